# A stand-in of what one writes first, which `rebuild` compares with: everything is copied, everything installed, in one
# step. Whatever changes, that step runs again and makes its layer anew.
ARG BASE
FROM ${BASE}
ARG PIP_CERT
RUN --mount=type=secret,id=ca python3 -m venv /uv && /uv/bin/python -m pip install --quiet --no-cache-dir "uv>=0.11,<1"
ENV PATH=/atoll/code_locations/flights/.venv/bin:/uv/bin:$PATH
WORKDIR /atoll/code_locations/flights
COPY . /atoll
ARG SSL_CERT_FILE
RUN --mount=type=secret,id=ca uv sync --quiet --locked --no-dev --no-cache --group server

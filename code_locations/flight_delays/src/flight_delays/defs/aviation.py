"""What is taken from `aviation_data`, by contract."""

from atoll.contracts import take

FLIGHTS = take("aviation_data/flights", "flight_delays")
WEATHER = take("aviation_data/weather", "flight_delays")
PLANES = take("aviation_data/planes", "flight_delays")
AIRLINES = take("aviation_data/airlines", "flight_delays")
AIRPORTS = take("aviation_data/airports", "flight_delays")

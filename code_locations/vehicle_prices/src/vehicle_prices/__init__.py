"""The asking price of a used vehicle, estimated from its listing."""

"""The store: values by asset and partition, written once, with what they were made from."""

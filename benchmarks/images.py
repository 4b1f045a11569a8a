"""Images: how large those of this checkout are, and what they share."""

from atoll_control.files import Checkout as Files
from atoll_control.images.record import read_builds
from checkout import OWN, Checkout
from figures import Figure
from registry import read_layers


def measure(checkout: Checkout, _: int) -> Figure:
    """Build the images of projects and platform, and add up their layers; once, because bytes do not vary."""
    checkout.use(own=OWN)
    checkout.run(["./atoll", "build"])
    files = Files(checkout.root)
    names = ("control", "mlflow", *OWN)
    images = {name: read_layers(image.reference) for name, image in read_builds(files).items() if name in names}
    distinct = {digest: layer for layers in images.values() for digest, layer in layers.items()}
    figure = Figure("images", "Images of the platform and of its example projects")
    for name, layers in images.items():
        figure.add(f"on disk: {name}", "MB", [sum(layer.unpacked for layer in layers.values()) / 1e6])
    for where, size in (("on disk", "unpacked"), ("in the registry", "packed")):
        total = sum(getattr(layer, size) for layers in images.values() for layer in layers.values()) / 1e6
        stored = sum(getattr(layer, size) for layer in distinct.values()) / 1e6
        figure.add(f"{where}: sum of the images", "MB", [total])
        figure.add(f"{where}: sum of distinct layers", "MB", [stored])
        figure.add(f"{where}: shared, and there once", "MB", [total - stored])
        figure.add_ratio(f"{where}: distinct layers / sum of the images", [stored], [total])
    return figure

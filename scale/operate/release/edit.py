"""One value of a stack's file, changed in place: comments, order and everything else stay byte for byte."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from scale.operate.release.reference import ImageError
from scale.plan.stackfile import StackFile


@dataclass(frozen=True)
class Edit:
    """A file's text with another image in it. `write` is what changes anything."""

    path: Path
    old: str
    new: str
    text: str

    def write(self) -> None:
        """Replace the file as a whole: a reader, or a crash, meets the old text or the new one. Raises OSError."""
        real = self.path.resolve()
        handle, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(self.text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(real.stat().st_mode & 0o7777)
            Path(name).replace(real)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def edit_image(file: StackFile, image: str) -> Edit:
    """Return the edit that sets `application.image`. Raises ImageError where the file does not name one plainly."""
    path = file.path
    with path.open(encoding="utf-8", newline="") as opened:  # Line ends stay what they are.
        text = opened.read()
    node = _image_node(file, text)
    if node is None:
        raise ImageError(f"{path.name} has no {file.project}:application with an image: add one there first")
    old = str(node.value)
    edited = text[: node.start_mark.index] + f'"{image}"' + text[node.end_mark.index :]
    if not _only_the_image(file, text, edited, image):
        raise ImageError(f"{path.name} holds its image in a way that is not edited here (an anchor?): set it by hand")
    return Edit(path, old, image, edited)


def _only_the_image(file: StackFile, text: str, edited: str, image: str) -> bool:
    """Return whether a text says what another does, with this image in place of its own."""
    try:
        after = _image_node(file, edited)
        return after is not None and after.value == image and _without(file, text) == _without(file, edited)
    except yaml.YAMLError:  # An anchor that the old value carried is gone, and its aliases are left.
        return False


def _image_node(file: StackFile, text: str) -> Any:
    """Return the scalar node of the image, None where there is none."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    config = _child(node, "config")
    application = _child(config, f"{file.project}:application") or _child(config, "application")
    image = _child(application, "image")
    return image if isinstance(image, yaml.ScalarNode) else None


def _child(node: Any, key: str) -> Any:
    """Return the value at a key of a mapping node, None where there is none."""
    if not isinstance(node, yaml.MappingNode):
        return None
    pairs = cast("list[tuple[Any, Any]]", node.value)
    return next((value for name, value in pairs if name.value == key), None)


def _without(file: StackFile, text: str) -> object:
    """Return all that a file says but the image, every value as text."""
    loaded: Any = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 # it makes texts, lists and groups only
    config = loaded["config"]
    key = f"{file.project}:application" if f"{file.project}:application" in config else "application"
    application = {name: value for name, value in config[key].items() if name != "image"}
    return {**loaded, "config": {**config, key: application}}

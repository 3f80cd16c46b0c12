"""The end of a widget: ipywidgets keeps every model alive until it is closed, its layout and style too."""

from typing import Any

import ipywidgets as w

__all__ = ["close_all"]


def close_all(widget: Any) -> None:
    """Close a widget, all that is in it, and their layouts and styles.

    Examples
    --------
    >>> label = w.Label("below")
    >>> close_all(w.VBox([label]))
    >>> label.comm is None, label.layout.comm is None
    (True, True)
    """
    for child in getattr(widget, "children", ()):
        close_all(child)
    if isinstance(widget, w.Box):
        widget.children = ()
    for name in ("layout", "style"):
        part = getattr(widget, name, None)
        if isinstance(part, w.Widget):
            part.close()
    # A widget of ours lets go of more in its own way; it is asked as what it is.
    widget.close()

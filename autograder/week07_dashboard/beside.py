"""What a page looks like, seen from beside its own scripts.

A browser gives an extension such a world: it has the document and its styles, and its functions are its own.
A page that has replaced `getComputedStyle`, or that writes to `window`, does not change what is seen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page


class Beside:
    """The world beside the scripts of one page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session: CDPSession | None = None
        self._world: int | None = None

    def devtools(self) -> CDPSession:
        """The line to the browser about this page."""
        if self._session is None:
            self._session = self._page.context.new_cdp_session(self._page)
        return self._session

    def close(self) -> None:
        """End that line, if there is one."""
        if self._session is not None:
            self._session.detach()

    def look(self, expression: str) -> Any:
        """The value of an expression, which may be a promise."""
        options = {"contextId": self._own_world(), "awaitPromise": True, "returnByValue": True}
        answer = self.devtools().send("Runtime.evaluate", {"expression": expression, **options})
        return answer["result"].get("value")

    def look_at(self, role: str, name: str, function: str) -> Any:
        """The value of a function of the only element with this role and accessible name. None: not one."""
        devtools, world = self.devtools(), self._own_world()
        whole = devtools.send("Runtime.evaluate", {"expression": "document", "contextId": world})
        root = {"objectId": whole["result"]["objectId"]}
        asked = {**root, "role": role, "accessibleName": name}
        nodes = devtools.send("Accessibility.queryAXTree", asked)["nodes"]
        found = [one["backendDOMNodeId"] for one in nodes if "backendDOMNodeId" in one]
        if len(found) != 1:
            return None
        place = {"backendNodeId": found[0], "executionContextId": world}
        element = devtools.send("DOM.resolveNode", place)["object"]["objectId"]
        code = f"function () {{ return ({function})(this); }}"
        call = {"functionDeclaration": code, "objectId": element, "returnByValue": True}
        return devtools.send("Runtime.callFunctionOn", call)["result"].get("value")

    def _own_world(self) -> int:
        if self._world is None:
            devtools = self.devtools()
            frame = devtools.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
            made = devtools.send("Page.createIsolatedWorld", {"frameId": frame})
            self._world = int(made["executionContextId"])
        return self._world

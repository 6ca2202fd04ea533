"""Finds declarations of entities in an XML document. Given to students complete.

An entity is a name for a text. Entities that consist of entities make a gigabyte out of a few lines ("billion
laughs"), and an external one can name a file of this machine. Feeds need neither.
https://cheatsheetseries.owasp.org/cheatsheets/XML_External_Entity_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

from typing import Any
from xml.parsers import expat


class _Declared(Exception):
    pass


class _RootReached(Exception):
    pass


def declares_entities(document: bytes) -> bool:
    """Return whether an XML document declares an entity before its root element, in any encoding.

    A document type alone, as RSS 0.91 has one, is none. For a document that is no XML: False.
    """
    parser = expat.ParserCreate()
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def declared(*_: Any) -> None:
        raise _Declared

    def root(*_: Any) -> None:
        raise _RootReached

    parser.EntityDeclHandler = declared
    parser.StartElementHandler = root
    try:
        parser.Parse(document, True)
    except _Declared:
        return True
    except (_RootReached, expat.ExpatError, ValueError, LookupError):
        return False
    return False

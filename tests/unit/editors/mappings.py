"""Mappings of JetBrains IDEs, read with another parser than the one that the code finds places with."""

from xml.dom import minidom

Mapping = tuple[str, str, list[tuple[str, str]]]


def elements(data: bytes, tag: str) -> list[minidom.Element]:
    """Return every element with a tag."""
    return list(minidom.parseString(data).getElementsByTagName(tag))  # noqa: S318 - what we wrote ourselves


def mappings(text: str) -> dict[str, Mapping]:
    """Return name, schema, and kind and path of each pattern of every mapping, by its key."""
    found = {}
    for component in elements(text.encode(), "component"):
        if component.getAttribute("name") == "JsonSchemaMappingsProjectConfiguration":
            for entry in component.getElementsByTagName("entry"):
                found[entry.getAttribute("key")] = _mapping(entry)
    return found


def _mapping(entry: minidom.Element) -> Mapping:
    (info,) = entry.getElementsByTagName("SchemaInfo")
    said = _options(info)
    items = [_options(item) for item in entry.getElementsByTagName("Item")]
    paths = [(item.get("mappingKind", "File"), item["path"]) for item in items]
    return said["name"], said["relativePathToSchema"], paths


def _options(parent: minidom.Element) -> dict[str, str]:
    """Return the options that stand in an element itself, by name."""
    own = [node for node in parent.childNodes if isinstance(node, minidom.Element) and node.tagName == "option"]
    return {option.getAttribute("name"): option.getAttribute("value") for option in own}

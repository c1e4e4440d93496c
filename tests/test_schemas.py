"""The published manifests are what docs/manifest.md and the JSON Schemas say."""

from __future__ import annotations

import json
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from sample_post import POST, SITE, WITHDRAWN

from pipeline import model, pages
from pipeline.model import Artifact, Chapter, Failure, ItemManifest, PostManifest, SourceFacts


def schema(name: str) -> dict[str, Any]:
    """A schema as the package carries it."""
    file = resources.files("pipeline").joinpath("schemas", f"{name}.schema.json")
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def validator(name: str) -> jsonschema.Draft202012Validator:
    """A validator that knows both schemas."""
    both = [(schema(n)["$id"], Resource.from_contents(schema(n))) for n in ("item", "post")]
    return jsonschema.Draft202012Validator(schema(name), registry=Registry().with_resources(both))


def test_what_is_published_is_valid() -> None:
    """Every manifest of a post with items of every kind and state fits its schema."""
    objects = (*pages.render(SITE, POST), *pages.withdrawn(SITE, POST, WITHDRAWN))
    names = {"item.json": "item", "post.json": "post"}
    manifests = [one for one in objects if one.key.rpartition("/")[2] in names]
    assert len(manifests) == len(POST.items) + 2
    for one in manifests:
        validator(names[one.key.rpartition("/")[2]]).validate(json.loads(one.body))


@pytest.mark.parametrize(
    ("field", "value"), [("state", "done"), ("percent", 101), ("kind", "text"), ("colour", "red")]
)
def test_the_schema_refuses_what_is_wrong(field: str, value: object) -> None:
    """The schema is not so loose that anything fits."""
    item = json.loads(model.to_json(POST.items[0]))
    with pytest.raises(jsonschema.ValidationError):
        validator("item").validate(item | {field: value})


@pytest.mark.parametrize("name", ["item", "post"])
def test_the_schemas_are_schemas(name: str) -> None:
    """Both follow draft 2020-12 themselves."""
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(
    ("kind", "described"),
    [
        (PostManifest, schema("post")),
        (ItemManifest, schema("item")),
        (SourceFacts, schema("item")["$defs"]["source"]),
        (Chapter, schema("item")["$defs"]["chapter"]),
        (Failure, schema("item")["$defs"]["error"]),
        (Artifact, schema("item")["$defs"]["output"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_schema_and_document_name_every_field(kind: type, described: dict[str, Any]) -> None:
    """A field added to a manifest is described, and required, or this fails."""
    names = [field.name for field in fields(kind)]
    assert list(described["properties"]) == names
    assert sorted(described["required"]) == sorted(names)
    page = (Path(__file__).parents[1] / "docs" / "manifest.md").read_text("utf-8")
    for name, field in described["properties"].items():
        assert f"| `{name}` |" in page
        assert field.get("description", "") in page

"""Associations: pairs of records, in v4, the dated versions and v3."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.json import decode, encode

from hubbatch._wire.calls import Encoded, Paging, ResultShape
from hubbatch._wire.inputs import (
    InputForm,
    association_types,
    dumps,
    for_any_operation,
    id_encoder,
    make_key,
    many_key,
    pair_key,
)
from hubbatch._wire.property_values import InvalidInput, record_id
from hubbatch._wire.records import (
    converter,
    list_of,
    of_class,
    read_id,
    register,
    text_id,
)
from hubbatch._wire.rows import pair_shaper
from hubbatch.models import (
    AssociatedId,
    AssociationInput,
    AssociationSpec,
    AssociationSpecWithLabel,
    AssociationTo,
    LabelsBetweenObjectPair,
    MultiAssociatedObjectWithLabel,
    PublicAssociation,
    PublicAssociationMulti,
    PublicAssociationMultiWithLabel,
    PublicDefaultAssociation,
    StandardError,
)

from .documents import document, next_after
from .envelopes import envelope_codec


# HubSpot's error for a record without associations.
_NONE_FOUND = "NO_ASSOCIATIONS_FOUND"


# ---- inputs


def _typed_values(value: AssociationInput) -> Sequence[Any]:
    return {"id": value.from_}, {"id": value.to}, value.types


def _plain_values(value: AssociationInput) -> Sequence[Any]:
    if value.types:
        raise InvalidInput("this call takes no types", "types")
    return {"id": value.from_}, {"id": value.to}


def _named_values(value: PublicAssociation) -> Sequence[Any]:
    return {"id": value.from_}, {"id": value.to}, value.type


_TYPED = InputForm(
    ("from", "to", "types"), "from, to and types", {AssociationInput: _typed_values}
)
_PLAIN = InputForm(("from", "to"), "from and to", {AssociationInput: _plain_values})
_NAMED = InputForm(
    ("from", "to", "type"), "from, to and type", {PublicAssociation: _named_values}
)


def _encode_typed(_index: int, value: object) -> Encoded:
    source, target, types = _TYPED.values(value)
    source_id, target_id = _end("from", source), _end("to", target)
    written = association_types(() if types is None else types)
    if not written:
        raise InvalidInput(
            "an association needs its types; use create_default for the default type",
            "types",
        )
    return _encode_pair(source_id, target_id, types=written)


def _encode_plain(_index: int, value: object) -> Encoded:
    source, target = _PLAIN.values(value)
    return _encode_pair(_end("from", source), _end("to", target))


def _encode_archive(_index: int, value: object) -> Encoded:
    source, to = _PLAIN.values(value)
    raw_id = _end("from", source)
    ends = to if isinstance(to, list | tuple) else [to]
    raw_ids = [_end("to", end) for end in ends]
    if not raw_ids:
        raise InvalidInput("to is empty: nothing would be archived", "to")
    source_id = _id("from", raw_id)
    target_ids = [_id("to", target) for target in raw_ids]
    body = {"from": {"id": source_id}, "to": [{"id": end} for end in target_ids]}
    # One request serves all inputs that archive the same pair. The reverse of a pair is
    # another input.
    return many_key(source_id, *target_ids), dumps(body, {"from": source_id}), None


def _encode_named(_index: int, value: object) -> Encoded:
    source, target, name = _NAMED.values(value)
    source_id, target_id = _end("from", source), _end("to", target)
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"type must be a name, not {name!r}", "type")
    return _encode_pair(source_id, target_id, type=name)


def _encode_pair(source: object, target: object, **more: object) -> Encoded:
    source_id, target_id = _id("from", source), _id("to", target)
    body = {"from": {"id": source_id}, "to": {"id": target_id}, **more}
    ids = {"from": source_id, "to": target_id}
    return pair_key(source_id, target_id), dumps(body, ids), None


def _end(name: str, end: Any) -> object:
    if type(end) is not dict and not isinstance(end, Mapping):
        raise InvalidInput(f'{name} must be an id or {{"id": ...}}, not {end!r}', name)
    return end.get("id")


def _id(name: str, value: object) -> str:
    try:
        return record_id(value)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}", name) from None


# ---- results


def _end_id(raw: Any, _: object = None) -> str:
    return text_id(raw["id"])


def _as_end(record: str) -> dict[str, str]:
    return {"id": record}


def _label_strings(raw: Any, _: object) -> list[str]:
    return [*map(str, raw or ())]


def _paging(raw: Any, _: object) -> Any:
    """Return the paging of a result after checking that its cursor is readable."""
    next_after({"paging": raw})
    return raw or None


_ENDS = {"from_": _end_id, "to": _end_id}
_AS_ENDS = {"from_": _as_end, "to": _as_end}

register(AssociationSpec)
register(AssociationSpecWithLabel)
register(
    LabelsBetweenObjectPair,
    {
        "from_object_id": read_id,
        "to_object_id": read_id,
        "labels": _label_strings,
    },
)
register(PublicDefaultAssociation, _ENDS, _AS_ENDS)
register(
    MultiAssociatedObjectWithLabel,
    {"to_object_id": read_id, "association_types": list_of(AssociationSpecWithLabel)},
)
register(
    PublicAssociationMultiWithLabel,
    {
        "from_": _end_id,
        "to": list_of(MultiAssociatedObjectWithLabel),
        "paging": _paging,
    },
    {"from_": _as_end},
)
register(PublicAssociation, _ENDS, _AS_ENDS)
register(AssociationInput, _ENDS, _AS_ENDS)
register(AssociationTo, {"to": _end_id}, {"to": _as_end})
register(AssociatedId, {"id": read_id})
register(
    PublicAssociationMulti,
    {"from_": _end_id, "to": list_of(AssociatedId), "paging": _paging},
    {"from_": _as_end},
)


def _labels_key(result: LabelsBetweenObjectPair) -> str:
    return pair_key(result.from_object_id, result.to_object_id)


def _pair_key(result: PublicDefaultAssociation | PublicAssociation) -> str:
    return pair_key(str(result.from_), str(result.to))


def _labels_source(result: LabelsBetweenObjectPair) -> str:
    return result.from_object_id


def _source(result: PublicDefaultAssociation | PublicAssociation) -> str:
    return str(result.from_)


def _from_key(result: Any) -> str:
    return make_key(result.from_)


def _empty_labelled(error: StandardError) -> Sequence[PublicAssociationMultiWithLabel]:
    return [PublicAssociationMultiWithLabel(record) for record in _without(error)]


def _empty(error: StandardError) -> Sequence[PublicAssociationMulti]:
    return [PublicAssociationMulti(record) for record in _without(error)]


def _without(error: StandardError) -> Sequence[str]:
    """Return the ids of the records that an error reports to have no associations."""
    if _NONE_FOUND not in str(error.sub_category):
        return ()
    context = error.context if isinstance(error.context, Mapping) else {}
    return context.get("fromObjectId", ())


# ---- pages


def _after(result: PublicAssociationMultiWithLabel) -> str | None:
    return next_after({"paging": result.paging})


def _ask(body: bytes, after: str) -> bytes:
    return encode({**decode(body), "after": after})


def _join(
    pages: Sequence[PublicAssociationMultiWithLabel],
) -> PublicAssociationMultiWithLabel:
    return PublicAssociationMultiWithLabel(
        pages[-1].from_, [target for page in pages for target in page.to]
    )


def _kinds(raw: Any) -> list[AssociationSpecWithLabel]:
    structure = converter.structure
    return [structure(item, AssociationSpecWithLabel) for item in raw["results"]]


CREATES = envelope_codec(
    for_any_operation(_encode_typed),
    ResultShape(
        of_class(LabelsBetweenObjectPair), _labels_key, source_of=_labels_source
    ),
    rows=pair_shaper,
)
DEFAULTS = envelope_codec(
    for_any_operation(_encode_plain),
    ResultShape(of_class(PublicDefaultAssociation), _pair_key, source_of=_source),
    rows=pair_shaper,
)
READS = envelope_codec(
    id_encoder,
    ResultShape(
        of_class(PublicAssociationMultiWithLabel),
        _from_key,
        answers=_empty_labelled,
        paging=Paging(_after, _ask, _join),
    ),
)
ARCHIVES = envelope_codec(for_any_operation(_encode_archive), rows=pair_shaper)
LABELS = envelope_codec(for_any_operation(_encode_typed), rows=pair_shaper)

KINDS = document(_kinds)

V3_CREATES = envelope_codec(
    for_any_operation(_encode_named),
    ResultShape(of_class(PublicAssociation), _pair_key, source_of=_source),
    rows=pair_shaper,
)
V3_READS = envelope_codec(
    id_encoder,
    ResultShape(of_class(PublicAssociationMulti), _from_key, answers=_empty),
)
V3_ARCHIVES = envelope_codec(for_any_operation(_encode_named), rows=pair_shaper)

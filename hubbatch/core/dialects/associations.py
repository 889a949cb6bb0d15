"""Associations: pairs of records, of v4 and the dated versions, and of v3."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Paging, Shape
from hubbatch.core.codec import converter, of_class, structure_response, teach, text_id
from hubbatch.core.encoding import (
    association_types,
    dumps,
    enveloped,
    fields_of,
    id_encoder,
    make_key,
    many_key,
    pair_key,
)
from hubbatch.core.values import InvalidInput, record_id
from hubbatch.models import (
    AssociatedId,
    AssociationInput,
    AssociationSpec,
    AssociationSpecWithLabel,
    LabelsBetweenObjectPair,
    MultiAssociatedObjectWithLabel,
    PublicAssociation,
    PublicAssociationMulti,
    PublicAssociationMultiWithLabel,
    PublicDefaultAssociation,
    StandardError,
)

from .documents import document, next_after


_PAIR_FIELDS = frozenset({"from", "to"})
_TYPED_FIELDS = frozenset({"from", "to", "types"})
_V3_FIELDS = frozenset({"from", "to", "type"})
# The error by which HubSpot says that a record has none.
_NONE_FOUND = "NO_ASSOCIATIONS_FOUND"


# ---- inputs


def _typed_encoder(_: Operation) -> Encoder:
    return _encode_typed


def _encode_typed(_index: int, given: object) -> Encoded:
    source: object
    target: object
    raw: object
    if isinstance(given, AssociationInput):
        source, target, raw = given.from_, given.to, given.types
    else:
        fields = fields_of(given, _TYPED_FIELDS, "from, to and types")
        source, target = _end(fields, "from"), _end(fields, "to")
        raw = fields.get("types", ())
    types = association_types(raw)
    if not types:
        raise InvalidInput(
            "an association needs its types; create_default gives the usual one",
            "types",
        )
    return _encode_pair(source, target, types=types)


def _plain_encoder(_: Operation) -> Encoder:
    return _encode_plain


def _encode_plain(_index: int, given: object) -> Encoded:
    source: object
    target: object
    if isinstance(given, AssociationInput):
        _refuse_types(given)
        source, target = given.from_, given.to
    else:
        fields = fields_of(given, _PAIR_FIELDS, "from and to")
        source, target = _end(fields, "from"), _end(fields, "to")
    return _encode_pair(source, target)


def _archive_encoder(_: Operation) -> Encoder:
    return _encode_archive


def _encode_archive(_index: int, given: object) -> Encoded:
    source: object
    targets: Sequence[object]
    if isinstance(given, AssociationInput):
        _refuse_types(given)
        source, targets = given.from_, [given.to]
    else:
        fields = fields_of(given, _PAIR_FIELDS, "from and to")
        source, to = _end(fields, "from"), fields.get("to")
        several = to if isinstance(to, list | tuple) else [to]
        targets = [_end({"to": one}, "to") for one in several]
    if not targets:
        raise InvalidInput("to is empty: nothing would be archived", "to")
    one, others = _id("from", source), [_id("to", target) for target in targets]
    body = {"from": {"id": one}, "to": [{"id": other} for other in others]}
    # One request serves all who archive the same; the reverse is something else.
    return many_key(one, *others), dumps(body, {"from": one}), None


def _v3_encoder(_: Operation) -> Encoder:
    return _encode_v3


def _encode_v3(_index: int, given: object) -> Encoded:
    source: object
    target: object
    kind: object
    if isinstance(given, PublicAssociation):
        source, target, kind = given.from_, given.to, given.type
    else:
        fields = fields_of(given, _V3_FIELDS, "from, to and type")
        source, target = _end(fields, "from"), _end(fields, "to")
        kind = fields.get("type")
    if not isinstance(kind, str) or not kind:
        raise InvalidInput(f"type must be a name, not {kind!r}", "type")
    return _encode_pair(source, target, type=kind)


def _encode_pair(source: object, target: object, **more: object) -> Encoded:
    one, other = _id("from", source), _id("to", target)
    body = {"from": {"id": one}, "to": {"id": other}, **more}
    return pair_key(one, other), dumps(body, {"from": one, "to": other}), None


def _refuse_types(given: AssociationInput) -> None:
    if given.types:
        raise InvalidInput("this call takes no types", "types")


def _end(fields: Mapping[str, Any], name: str) -> object:
    end = fields.get(name)
    if not isinstance(end, Mapping):
        raise InvalidInput(f'{name} must be {{"id": ...}}, not {end!r}', name)
    return end.get("id")


def _id(name: str, given: object) -> str:
    try:
        return record_id(given)
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}", name) from None


# ---- results


def _end_id(raw: Any, _: object = None) -> str:
    return text_id(raw["id"])


def _as_end(text: str) -> dict[str, str]:
    return {"id": text}


def _as_text(raw: Any, _: object) -> str:
    return text_id(raw)


def _many(cls: type) -> Callable[[Any, Any], list[Any]]:
    def structure(raw: Iterable[Any] | None, _: object) -> list[Any]:
        return [converter.structure(item, cls) for item in raw or ()]

    return structure


def _paging(raw: Any, _: object) -> Any:
    """Return the paging of a result, once its cursor is known to be readable."""
    next_after({"paging": raw})
    return raw or None


_ENDS = {"from_": _end_id, "to": _end_id}
_AS_ENDS = {"from_": _as_end, "to": _as_end}

teach(AssociationSpec)
teach(AssociationSpecWithLabel)
teach(
    LabelsBetweenObjectPair,
    {
        "from_object_id": _as_text,
        "to_object_id": _as_text,
        "labels": lambda raw, _: [str(label) for label in raw or ()],
    },
)
teach(PublicDefaultAssociation, _ENDS, _AS_ENDS)
teach(
    MultiAssociatedObjectWithLabel,
    {"to_object_id": _as_text, "association_types": _many(AssociationSpecWithLabel)},
)
teach(
    PublicAssociationMultiWithLabel,
    {
        "from_": _end_id,
        "to": _many(MultiAssociatedObjectWithLabel),
        "paging": _paging,
    },
    {"from_": _as_end},
)
teach(PublicAssociation, _ENDS, _AS_ENDS)
teach(AssociatedId, {"id": _as_text})
teach(
    PublicAssociationMulti,
    {"from_": _end_id, "to": _many(AssociatedId), "paging": _paging},
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


def _none_labelled(error: StandardError) -> Sequence[PublicAssociationMultiWithLabel]:
    return [PublicAssociationMultiWithLabel(one) for one in _without(error)]


def _none(error: StandardError) -> Sequence[PublicAssociationMulti]:
    return [PublicAssociationMulti(one) for one in _without(error)]


def _without(error: StandardError) -> Sequence[str]:
    """List the records that an error says have no associations."""
    if _NONE_FOUND not in str(error.sub_category):
        return ()
    context = error.context if isinstance(error.context, Mapping) else {}
    return context.get("fromObjectId", ())


# ---- pages


def _after(result: PublicAssociationMultiWithLabel) -> str | None:
    return next_after({"paging": result.paging})


def _ask(body: bytes, after: str) -> bytes:
    return orjson.dumps({**orjson.loads(body), "after": after})


def _join(
    pages: Sequence[PublicAssociationMultiWithLabel],
) -> PublicAssociationMultiWithLabel:
    return PublicAssociationMultiWithLabel(
        pages[-1].from_, [one for page in pages for one in page.to]
    )


def _labels(raw: Any) -> list[AssociationSpecWithLabel]:
    structure = converter.structure
    return [structure(item, AssociationSpecWithLabel) for item in raw["results"]]


def _dialect(
    encoder: Callable[[Operation], Encoder], results: Shape | None = None
) -> Dialect:
    return Dialect(encoder, enveloped, structure_response, results)


CREATES = _dialect(
    _typed_encoder,
    Shape(of_class(LabelsBetweenObjectPair), _labels_key, source_of=_labels_source),
)
DEFAULTS = _dialect(
    _plain_encoder,
    Shape(of_class(PublicDefaultAssociation), _pair_key, source_of=_source),
)
READS = _dialect(
    id_encoder,
    Shape(
        of_class(PublicAssociationMultiWithLabel),
        _from_key,
        answers=_none_labelled,
        paging=Paging(_after, _ask, _join),
    ),
)
ARCHIVES = _dialect(_archive_encoder)
LABELS = _dialect(_typed_encoder)

KINDS = document(_labels)

V3_CREATES = _dialect(
    _v3_encoder, Shape(of_class(PublicAssociation), _pair_key, source_of=_source)
)
V3_READS = _dialect(
    id_encoder, Shape(of_class(PublicAssociationMulti), _from_key, answers=_none)
)
V3_ARCHIVES = _dialect(_v3_encoder)

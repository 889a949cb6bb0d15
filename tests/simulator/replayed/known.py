"""The differences between recordings and the simulator that their dates explain."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from .tape import Recording


# HubSpot's answers grew: the year since which it answers with a key of a record, or
# with a computed property. The simulator answers as in 2026.
_SINCE: Final[Mapping[str, int]] = {
    "allowsSensitiveProperties": 2023,
    "createdUserId": 2023,
    "dataSensitivity": 2023,
    "updatedUserId": 2023,
    "url": 2025,
    **dict.fromkeys(
        (
            "hs_lifecyclestage_lead_date",
            "hs_object_source",
            "hs_object_source_id",
            "hs_object_source_label",
            "hs_pipeline",
            "hs_registered_member",
            "lifecyclestage",
        ),
        2023,
    ),
    **dict.fromkeys(
        (
            "hs_associated_target_accounts",
            "hs_currently_enrolled_in_prospecting_agent",
            "hs_full_name_or_email",
            "hs_membership_has_accessed_private_content",
            "hs_prospecting_agent_actively_enrolled_count",
            "hs_prospecting_agent_total_enrolled_count",
            "hs_sequences_actively_enrolled_count",
            "num_notes",
        ),
        2025,
    ),
    **dict.fromkeys(
        (
            "hs_annual_revenue_currency_code",
            "hs_engagements_last_contacted",
            "hs_is_closed",
            "hs_is_visible_in_help_desk",
            "hs_last_email_activity",
            "hs_num_associated_companies",
            "hs_num_associated_conversations",
            "hs_num_blockers",
            "hs_num_child_companies",
            "hs_num_contacts_with_buying_roles",
            "hs_num_decision_makers",
            "hs_num_open_deals",
            "hs_num_times_contacted",
            "hs_obj_coords",
            "hs_start_date_with_fallback",
            "hs_task_is_sub_task",
            "hs_task_label",
            "hs_v2_date_entered_current_stage",
            "hs_v2_time_in_current_stage",
            "num_associated_contacts",
        ),
        2026,
    ),
}


def unexplained(
    recording: Recording, found: Iterable[str], expected: Mapping[str, str]
) -> Iterator[str]:
    """Return the differences that nothing explains, and the explanations of none."""
    found = [each for each in found if not _is_newer(recording, each)]
    for difference in found:
        if not any(_matches(difference, pattern) for pattern in expected):
            yield difference
    for pattern in expected:
        if not any(_matches(difference, pattern) for difference in found):
            yield f"explains nothing: {pattern}"


def _matches(difference: str, pattern: str) -> bool:
    return fnmatchcase(difference, pattern.replace("[", "[[]"))


def _is_newer(recording: Recording, difference: str) -> bool:
    sign, _, place = difference.partition(" ")
    since = _SINCE.get(place.rpartition(".")[2], 0)
    return sign == "+" and recording.year < since

"""Leads in “my day”: whom to look for, and what those who lead assign, review and feed back (M2.6).

SQL as in `matters`: it speaks of `here` (`duties.asked`) and `$6` (the worker).
What is decided of many at once, batch by batch, is one duty for each batch.
"""

from typing import Final

from api.duties.asked import HERE
from api.duties.nearest import nearest

CONTACTS: Final = f"""
    SELECT 'lead', 'contact', CASE WHEN l.sent_back_at IS NOT NULL THEN 'again' END, NULL, l.id,
        NULL::uuid, l.resident_id, l.household_id, coalesce(l.name, '未留姓名者'),
        greatest(l.assigned_at, l.sent_back_at), l.deadline_at
    FROM leads AS l
    WHERE l.status IN ('assigned', 'contacting') AND l.discarded_at IS NULL AND l.{HERE}
"""
"""A lead is looked into by the workers of the grid that it was given to."""

_UNDECIDED = """
    SELECT l.batch_id, CASE l.status WHEN 'imported' THEN 'assign' ELSE 'feed_back' END AS act,
        coalesce(l.reviewed_at, l.received_at) AS since_at, l.deadline_at
    FROM leads AS l
    WHERE l.status IN ('imported', 'reviewed') AND l.discarded_at IS NULL
    UNION ALL
    SELECT l.batch_id, 'feed_back', t.answered_at, l.deadline_at
    FROM leads AS l JOIN lead_transfers AS t ON t.lead_id = l.id AND t.status = 'received'
    WHERE l.status = 'transferred' AND l.feedback_id IS NULL AND l.discarded_at IS NULL
"""
LEAD_DECISIONS: Final = f"""
    SELECT 'lead', 'review', l.outcome, NULL, l.id, NULL, l.resident_id, l.household_id,
        coalesce(l.name, '未留姓名者'), l.outcome_at, l.deadline_at
    FROM leads AS l
    WHERE l.status = 'under_review' AND l.discarded_at IS NULL
        AND {nearest("l.reach", but=("l.outcome_by",))}
    UNION ALL
    SELECT 'lead', waiting.act, NULL,
        concat(b.issuer, ' ', b.batch_number, '（', waiting.leads, '条）'),
        b.id, NULL, NULL, NULL, NULL, waiting.since_at, waiting.due_at
    FROM (
        SELECT l.batch_id, l.act, count(*) AS leads, min(l.since_at) AS since_at,
            min(l.deadline_at) AS due_at
        FROM ({_UNDECIDED}) AS l GROUP BY l.batch_id, l.act
    ) AS waiting
    JOIN lead_batches AS b ON b.id = waiting.batch_id AND {nearest("b.reach")}
"""

-- Leaves with a wrong signature counted as invalid, whether their node was registered by then or not: they are counted anew.
insert into "proofs"."dirty" ("kind", "key", "start_at")
select 'settlement', "chain_id" || '-' || "block_number" || '-' || "log_index", 0
from "proofs"."settled" where "invalid_leaves" > 0
on conflict do nothing;

-- Hours in which no payload claimed any tokens were summed to the largest number there is: they are summed anew.
insert into "proofs"."dirty" ("kind", "key", "start_at")
select 'node', "tee_id", "start_at" from "proofs"."node_bucket"
where "prompt_tokens" = 9007199254740991 or "completion_tokens" = 9007199254740991
union all
select 'model', "model", "start_at" from "proofs"."model_bucket"
where "prompt_tokens" = 9007199254740991 or "completion_tokens" = 9007199254740991
on conflict do nothing;

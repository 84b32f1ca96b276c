-- Heal an ECS service whose alert is firing: find the cause, choose a fix,
-- apply it, prove that it worked.
--
-- Every way that writes leads through verification, and every way that cannot
-- prove success leads to people. Two attempts, because a second try finds a
-- different cause or confirms that rules do not suffice; a third would only
-- make the outage longer. A service that is made worse is put back first.

return {
  about   = "Heal an ECS service whose alert is firing.",
  trigger = { source = "alertmanager",
              labels = { service = "*", cluster = "*" } },
  key     = { "$incident.labels.cluster", "$incident.labels.service" },
  limits  = { attempts = 2, deadline = "30m" },
  start   = "analyst",
  failed  = "escalation",
  undone  = "escalation",
  nodes   = {
    analyst = {
      use  = "analyst",
      with = { service = "$service", incident = "$incident",
               waits = "$settle.all" },
      next = { found = "auditor", nothing = "escalation",
               gone = "escalation" },
    },
    auditor = {
      use  = "auditor",
      with = { service = "$analyst.service", incident = "$incident" },
      next = { found = "decision", nothing = "decision",
               unknown = "decision" },
    },
    decision = {
      use    = "decision",
      policy = "confident",
      with   = { service = "$analyst.service", evidence = "$analyst.evidence",
                 commits = "$auditor.commits", waits = "$settle.all",
                 restarts = "$remediation_restart.all",
                 scale_ups = "$remediation_scale_up.all",
                 reverts = "$remediation_revert.all",
                 verdicts = "$verification.all" },
      next   = { restart = "remediation_restart",
                 scale_up = "remediation_scale_up",
                 revert = "remediation_revert", wait = "settle",
                 settled = "verification", unsure = "escalation" },
    },
    settle = {
      use  = "aws_ecs_wait_rollout",
      with = { service = "$analyst.service" },
      next = { over = "analyst", still_rolling = "escalation",
               gone = "escalation" },
    },
    remediation_restart = {
      use  = "remediation_restart",
      with = { service = "$analyst.service" },
      next = { restarted = "verification", stuck = "verification",
               busy = "settle", gone = "escalation" },
    },
    remediation_scale_up = {
      use  = "remediation_scale_up",
      with = { service = "$analyst.service", by = "$decision.by" },
      next = { scaled = "verification", short = "verification",
               at_limit = "escalation", gone = "escalation" },
    },
    remediation_revert = {
      use  = "remediation_revert",
      with = { service = "$analyst.service", commit = "$decision.commit",
               reasons = "$decision.reasons" },
      next = { merged = "verification", open = "escalation",
               closed = "escalation", conflict = "escalation",
               gone = "escalation" },
    },
    verification = {
      use  = "verification",
      with = { service = "$analyst.service", incident = "$incident",
               acted_at = "$run.acted_at" },
      next = { pass = "done", fail = "decision", worse = "undo",
               unknown = "escalation" },
    },
    escalation = {
      use  = "escalation",
      with = { incident = "$incident", run = "$run",
               evidence = "$analyst.evidence", commits = "$auditor.commits",
               hypotheses = "$decision.hypotheses",
               verdicts = "$verification.all",
               pull = "$remediation_revert.url" },
    },
  },
}

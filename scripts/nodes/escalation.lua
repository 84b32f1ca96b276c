-- Hand the incident over to people: what fired, what was seen, what was
-- tried, what is suggested.
--
-- The text is the node's output as well as the message, because a channel may
-- be missing or down, and the run must still end with something to read. All
-- inputs beside the incident and the run are optional: this is where every
-- way leads that broke early.
--
-- It changes nothing and never fails for want of a channel.

local handover = require "lib.handover"

return {
  about    = "Write the hand-over and notify whoever is on call.",
  input    = {
    incident = "map", run = "map", evidence = "map?", commits = "list?",
    hypotheses = "list?", verdicts = "list?", pull = "string?",
  },
  output   = { handover = "string", notified = "boolean", reasons = "list?" },
  outcomes = { "handed_over" },
  effects  = { "notify:oncall" },
  risk     = "low",
  timeout  = "1m",
  retry    = { times = 3, backoff = "1s", on = { "throttled", "timeout" } },

  run = function(ctx, input)
    local text = handover.markdown(input)
    local sent, err = ctx.try.notify("oncall", {
      title = text:match("^# ([^\n]*)"), text = text,
    })
    local reasons
    if not sent then
      reasons = { "nobody was notified: " .. (err and err.text or "") }
      ctx.log.warn("nobody was notified", { reason = err and err.text })
    end
    return "handed_over", {
      handover = text, notified = sent ~= nil, reasons = reasons,
    }
  end,
}

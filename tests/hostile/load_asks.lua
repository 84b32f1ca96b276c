-- verdict: error script: nil value
-- Asks while it is loaded, where there is no ctx.

ctx.aws("ecs:DeleteCluster", {})

return {}

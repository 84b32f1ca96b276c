-- What is known of a service, from four places, the most deliberate first.
--
-- The configured catalogue wins over the alert's annotations, those over the
-- ECS tags, those over the task definition. What none of them says stays
-- absent: a guessed log group or repository would make evidence of nothing.
-- Only how a measurement is judged has defaults. Annotations are named
-- nightshift_<field>, tags nightshift:<field>. Nothing here asks the world.

local ecs = require "lib.ecs"
local prometheus = require "lib.prometheus"

local TEXTS = { "account", "region", "log_group", "log_region", "repo",
                "branch", "health", "saturation" }
local NUMBERS = { "health_threshold", "saturation_threshold", "min", "max",
                  "step", "settle", "sample_every" }

local DEFAULTS = { health_threshold = 0.05, saturation_threshold = 0.8,
                   settle = 60 }

local catalogue = {}

local function tags_of(service)
  local found = {}
  for _, tag in ipairs(service.tags or {}) do
    local field = tag.key:match("^nightshift:(.+)$")
    if field then found[field] = tag.value end
  end
  return found
end

local function annotations_of(incident)
  local found = {}
  for name, value in pairs(incident.annotations or {}) do
    local field = name:match("^nightshift_(.+)$")
    if field then found[field] = value end
  end
  return found
end

local function with_labels(tags, row)
  for _, field in ipairs { "health", "saturation" } do
    if tags[field] then
      tags[field] = prometheus.of_service(tags[field], row.cluster, row.name)
    end
  end
  return tags
end

local function first(sources, field)
  for _, source in ipairs(sources) do
    local value = source[field]
    if value ~= nil and value ~= "" and value ~= json.null then
      return value
    end
  end
  return nil
end

-- How the service is asked for: names as ECS knows them, and where.
function catalogue.key(row)
  local where
  if row.account or row.region then
    where = { account = row.account, region = row.region }
  end
  return { cluster = row.cluster, service = row.service or row.name,
           where = where }
end

-- One table of what is known. `task_definition` may be nil.
function catalogue.facts(row, incident, service, task_definition)
  local group, region = ecs.log_options(task_definition or {})
  local sources = {
    row, annotations_of(incident), with_labels(tags_of(service), row),
    { log_group = group, log_region = region },
  }
  local key = catalogue.key(row)
  local facts = { name = row.name, cluster = key.cluster,
                  service = key.service }
  for _, field in ipairs(TEXTS) do facts[field] = first(sources, field) end
  for _, field in ipairs(NUMBERS) do
    facts[field] = tonumber(first(sources, field)) or DEFAULTS[field]
  end
  return facts
end

return catalogue

-- One number from a Prometheus answer, and what several numbers say.
--
-- How a health query is read: it gives a number where 0 is healthy and more is
-- worse (an error ratio, say), compared with a threshold. Of several series
-- the highest counts, because a service is as ill as its worst part. No
-- series, NaN and Inf are no sample: a division by zero requests is not
-- health. Nothing here asks the world.

local prometheus = {}

local function finite(text)
  local number = tonumber(text)
  if not number or number ~= number then return nil end
  if number == math.huge or number == -math.huge then return nil end
  return number
end

-- The number of an instant query's body, or nil.
function prometheus.value(body)
  local data = body and body.status == "success" and body.data
  if not data then return nil end
  if data.resultType == "scalar" then return finite(data.result[2]) end
  if data.resultType ~= "vector" then return nil end
  local highest
  for _, series in ipairs(data.result) do
    local number = finite(series.value[2])
    if number and (not highest or number > highest) then highest = number end
  end
  return highest
end

function prometheus.median(numbers)
  local sorted = {}
  for i, number in ipairs(numbers) do sorted[i] = number end
  table.sort(sorted)
  local middle = (#sorted + 1) // 2
  if #sorted % 2 == 1 then return sorted[middle] end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

-- Every number at or below the threshold.
function prometheus.healthy(numbers, threshold)
  for _, number in ipairs(numbers) do
    if number > threshold then return false end
  end
  return #numbers > 0
end

-- Clearly above: half as much again, and by more than the threshold, so that
-- neither noise around nothing nor noise on top of a lot counts.
function prometheus.clearly_above(numbers, baseline, threshold)
  local now = prometheus.median(numbers)
  local before = prometheus.median(baseline)
  return now > before * 1.5 and now - before > threshold
end

local function quoted(text)
  return '"' .. text:gsub("[\\\"]", "\\%0"):gsub("\n", "\\n") .. '"'
end

-- A bare metric name gets the service's labels; a query stays as it is. An
-- ECS tag cannot hold braces, so a tag can only name a recording rule.
function prometheus.of_service(query, cluster, service)
  if not query:find("^[%a_:][%w_:]*$") then return query end
  return ("%s{cluster=%s,service=%s}"):format(query, quoted(cluster),
    quoted(service))
end

return prometheus

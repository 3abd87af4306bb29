-- The load of bench/create.ts for wrk: each request creates a user that no other did.
local seed = tonumber(os.getenv("BENCH_SEED"))
local path, group = os.getenv("BENCH_PATH"), os.getenv("BENCH_GROUP")
local headers = {
  ["content-type"] = "application/json",
  ["authorization"] = os.getenv("BENCH_AUTHORIZATION"),
  ["x-tenant"] = os.getenv("BENCH_TENANT"),
}

function init() math.randomseed(seed) end

function request()
  local word = string.format("%08x%08x", math.random(0, 2147483647), math.random(0, 2147483647))
  local body = '{"firstName":"Ada","lastName":"Lovelace","email":"' .. word .. '@bench.example","role":{},"groups":[{"id":"'
    .. group .. '","name":"Viewer"}]}'
  return wrk.format("POST", path, headers, body)
end

function done(summary, latency)
  io.write(string.format("created %d in %d us, p50 %d us, p99 %d us, max %d us\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max))
end

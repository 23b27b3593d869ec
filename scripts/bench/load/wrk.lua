-- What wrk measured, as one line of JSON; times in microseconds. `wrk … <url> -- HEAD` sets the method.
function init(args)
  wrk.method = args[1] or "GET"
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration":%d,"p50":%d,"p99":%d,"errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

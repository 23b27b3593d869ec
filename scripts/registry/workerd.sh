#!/bin/sh
# Runs workerd for miniflare, and ends it when its parent is gone: killed with SIGKILL, the parent
# could not, and the runtime would go on holding the port and the state.
parent=$PPID
(
  while kill -0 "$parent" && kill -0 $$; do sleep 0.2; done
  kill -9 $$
) </dev/null >/dev/null 2>&1 3>&- &
exec "$EDGEWATER_WORKERD" "$@"

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// generator chooses the closed-loop generator. wrk takes less of the two processors from the server, which brings the
// ratios nearer to the truth.
func generator(name string) generating {
	_, err := exec.LookPath("wrk")
	if name == "wrk" || (name == "auto" && err == nil) {
		return generating{"wrk", wrk}
	}
	return generating{"the own generator", own}
}

// wrk drives with https://github.com/wg/wrk, which sends exactly the bytes that the own generator sends.
func wrk(ctx context.Context, l load) (result, error) {
	script, err := l.script()
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.RemoveAll(filepath.Dir(script)) }()
	cmd := exec.CommandContext(ctx, "wrk", "-t1", "-c"+strconv.Itoa(l.connections), //nolint:gosec // our own numbers
		fmt.Sprintf("-d%ds", int(max(1, l.duration.Seconds()))), "--timeout", "30s", "-s", script, "http://"+l.address+l.path)
	output, err := cmd.CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, output)
	}
	_, last, _ := strings.Cut(string(output), "RESULT ")
	var seen struct {
		Requests, Microseconds, P99, Refused, Broken int64
	}
	if err := json.Unmarshal([]byte(last), &seen); err != nil {
		return result{}, fmt.Errorf("wrk: %w: %s", err, output)
	}
	if seen.Broken > 0 {
		return result{}, fmt.Errorf("wrk: %d connections broke", seen.Broken)
	}
	return result{
		perSecond: float64(seen.Requests) / (float64(seen.Microseconds) / 1e6),
		p99:       time.Duration(seen.P99) * time.Microsecond, failed: seen.Refused,
	}, nil
}

// script writes the Lua script that gives wrk its request and reports in JSON.
func (l load) script() (string, error) {
	dir, err := os.MkdirTemp("", "grapnel-bench-")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "post.lua")
	request := strconv.Quote(string(l.render()))
	text := "local request_bytes = " + request + "\nfunction request() return request_bytes end\n"
	if l.unique {
		before, after, _ := strings.Cut(string(l.render()), keyMark)
		text = "local before, after, n = " + strconv.Quote(before) + ", " + strconv.Quote(after) + ", 0\n" +
			fmt.Sprintf("function request() n = n + 1; return before .. string.format('%%08d%%016d', %d, n) .. after end\n", time.Now().UnixNano()%1e8)
	}
	return name, os.WriteFile(name, []byte(text+report), 0o600)
}

const report = `
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"microseconds":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(99), e.status, e.connect + e.read + e.write + e.timeout))
end
`

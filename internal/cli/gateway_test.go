package cli

import (
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/config"
)

func TestReachable(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8001": "127.0.0.1:8001",
		"0.0.0.0:8001":   "127.0.0.1:8001",
		":8001":          "127.0.0.1:8001",
		"[::]:8001":      "127.0.0.1:8001",
		"[::1]:8001":     "[::1]:8001",
		"gateway:8001":   "gateway:8001",
	} {
		t.Run("who listens on "+listen+" is reached at "+want, func(t *testing.T) {
			if got := reachable(listen); got != want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestMoment(t *testing.T) {
	t.Run("a time is taken as it is", func(t *testing.T) {
		var m moment
		if err := m.UnmarshalText([]byte("2026-05-01T12:00:00Z")); err != nil || m.Unix() != 1777636800 {
			t.Errorf("got %v, %v", m, err)
		}
	})
	t.Run("a length is that long ago", func(t *testing.T) {
		var m moment
		err := m.UnmarshalText([]byte("2d"))
		if ago := time.Since(m.Time); err != nil || ago < 48*time.Hour || ago > 49*time.Hour {
			t.Errorf("got %v, %v", m, err)
		}
	})
	t.Run("anything else says what is wanted", func(t *testing.T) {
		if err := new(moment).UnmarshalText([]byte("yesterday")); !errors.Is(err, errNoMoment) {
			t.Errorf("got %v", err)
		}
	})
}

func TestExitCode(t *testing.T) {
	tests := []struct {
		rule string
		err  error
		want int
	}{
		{"done is 0", nil, 0},
		{"a no is 1", errNegative, 1},
		{"a refusal of the gateway is 1", fmt.Errorf("replay: %w", api.NewProblem(409, "")), 1},
		{"a wrong command is 2", usageError{errors.New("x")}, 2},
		{"a wrong configuration is 2", fmt.Errorf("load: %w", config.Problems{{}}), 2},
		{"no gateway is 3", fmt.Errorf("ask: %w", &url.Error{Err: errors.New("refused")}), 3},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			if got := exitCode(test.err); got != test.want {
				t.Errorf("got %d", got)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	if got := quote(`it's "$HOME"`); got != `'it'\''s "$HOME"'` {
		t.Errorf("got %s", got)
	}
}

func TestParseHeader(t *testing.T) {
	header, err := parseHeader([]string{"x-event: a:b", "X-Event:c"})
	if err != nil || len(header["X-Event"]) != 2 || header["X-Event"][0] != "a:b" {
		t.Errorf("got %v, %v", header, err)
	}
	if _, err := parseHeader([]string{"nonsense"}); err == nil {
		t.Error("a line without a colon was taken")
	}
}

package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger makes the gateway's logger: text for a person at a terminal, JSON lines for programs otherwise. Lines below
// the level are dropped.
func NewLogger(w io.Writer, terminal bool, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if terminal {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

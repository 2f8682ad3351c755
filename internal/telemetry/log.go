package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger makes the gateway's logger: text for a person, JSON lines for programs. Lines below
// the level are dropped.
func NewLogger(w io.Writer, text bool, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if text {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

package ingress

import (
	"log/slog"
	"sync"
	"time"
)

// linesPerSecond is how many lines may be logged in a second about what anybody can cause: a flood of bad requests must
// not fill a disk.
const linesPerSecond = 20

// paced says whether a line may be logged now, and adds to its attributes how many were left out before it.
func (h *Handler) paced(attrs ...slog.Attr) ([]slog.Attr, bool) {
	suppressed, ok := h.lines.next(time.Now())
	if suppressed > 0 {
		attrs = append(attrs, slog.Int("not_logged_before", suppressed))
	}
	return attrs, ok
}

// pace lets so many lines pass in a second and counts the others. The zero pace is ready.
type pace struct {
	mu         sync.Mutex
	second     int64
	passed     int
	suppressed int
}

// next says whether a line may pass now, and how many did not since the last one that did.
func (p *pace) next(now time.Time) (suppressed int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Unix() != p.second {
		p.second, p.passed = now.Unix(), 0
	}
	if p.passed == linesPerSecond {
		p.suppressed++
		return 0, false
	}
	p.passed++
	suppressed, p.suppressed = p.suppressed, 0
	return suppressed, true
}

package chaos

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/test/gatewaytest"
)

// senders send events the way providers do: one after the other, and each one again until it is answered 2xx.
type senders struct {
	ledger *ledger
	base   string
	stop   chan struct{} // closed: begin no new event
	group  sync.WaitGroup
	sent   atomic.Int64 // requests, repetitions included
}

func startSenders(t *testing.T, base string, l *ledger) *senders {
	t.Helper()
	s := &senders{ledger: l, base: base, stop: make(chan struct{})}
	for _, webhook := range webhooks() {
		for number := range 2 {
			s.group.Go(func() { s.send(t, webhook.name, number) })
		}
	}
	return s
}

// finish lets every sender finish its last event.
func (s *senders) finish() {
	close(s.stop)
	s.group.Wait()
}

func (s *senders) send(t *testing.T, webhook string, number int) {
	t.Helper()
	pace := time.NewTicker(3 * time.Millisecond)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-s.stop:
			return
		case <-pace.C:
		}
		if !s.sendOne(t, webhook, fmt.Sprintf("%s-%d-%d", webhook, number, n), pace.C) {
			return
		}
	}
}

// sendOne sends an event until it is promised. It says false when the test has ended before.
func (s *senders) sendOne(t *testing.T, webhook, key string, pace <-chan time.Time) bool {
	t.Helper()
	body := fmt.Sprintf(`{"key":%q,"padding":%q}`, key, strings.Repeat("x", 200))
	for t.Context().Err() == nil {
		s.sent.Add(1)
		answer, err := s.once(t.Context(), webhook, key, body)
		switch {
		case err != nil: // a kill, or no process: nothing is known, so it is sent again
		case answer.Accepted():
			if err := s.ledger.promised(key, answer.ID); err != nil {
				t.Error(err)
			}
			return true
		case answer.Code != http.StatusServiceUnavailable:
			t.Errorf("%s was answered %d", key, answer.Code)
			return false
		}
		<-pace
	}
	return false
}

func (s *senders) once(ctx context.Context, webhook, key, body string) (gatewaytest.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/webhook/"+webhook, strings.NewReader(body))
	if err != nil {
		return gatewaytest.Answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	return gatewaytest.Send(request)
}

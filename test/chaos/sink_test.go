package chaos

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/test/gatewaytest"
)

// mood is how the destinations behave.
type mood int32

const (
	healthy mood = iota
	flaky        // some attempts fail, each in its own way
	down         // all fail
)

// sink is all destinations: /{webhook}/{step}.
type sink struct {
	*httptest.Server

	ledger *ledger
	mood   atomic.Int32
	open   atomic.Int64 // requests under way
	conns  atomic.Int64 // connections that are not closed
	mu     sync.Mutex
	random *rand.Rand // guarded by mu
}

func newSink(t *testing.T, l *ledger, random *rand.Rand) *sink {
	t.Helper()
	s := &sink{ledger: l, random: random}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{webhook}/{step}", s.serve)
	s.Server = httptest.NewUnstartedServer(mux)
	s.Config.ConnState = s.count
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *sink) serve(w http.ResponseWriter, r *http.Request) {
	s.open.Add(1)
	defer s.open.Add(-1)
	var body struct{ Key string }
	raw, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(raw, &body) != nil {
		return // cut by a kill
	}
	step, err := strconv.Atoi(r.PathValue("step"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	p := place{webhook: r.PathValue("webhook"), step: step, key: body.Key}
	number := s.ledger.arrive(p, r.Header.Get("Webhook-Id"))
	if s.misbehave(w, r) {
		return
	}
	s.ledger.confirm(p, number)
	_, _ = io.WriteString(w, "ok")
}

// misbehave fails the attempt, or makes it slow, as the mood and the dice have it. It says whether it has failed it.
func (s *sink) misbehave(w http.ResponseWriter, r *http.Request) bool {
	now := mood(s.mood.Load())
	if now == healthy {
		return false
	}
	switch dice := s.dice(); {
	case now == down || dice < 0.10:
		w.WriteHeader(http.StatusServiceUnavailable)
	case dice < 0.13:
		cut(w, "")
	case dice < 0.15:
		cut(w, strings.Repeat("garbage ", 100)+"\r\n\r\n")
	case dice < 0.151:
		wait(r, time.Hour) // until the other side gives up
	case dice < 0.25:
		return !wait(r, time.Duration(dice*200)*time.Millisecond)
	default:
		return false
	}
	return true
}

func (s *sink) dice() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.Float64()
}

func (s *sink) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// quiet waits until nothing of an ended process is under way: what it had sent may still lie in a connection, also in one
// that is not accepted yet. Connections are accepted in their order, so after one of our own there is none left of those.
func (s *sink) quiet(t *testing.T) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	gatewaytest.Eventually(t, 30*time.Second, "the destinations have finished with the old process", func() bool {
		return s.conns.Load() == 0 && s.open.Load() == 0
	})
}

// wait says whether the time passed before the other side was gone.
func wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// cut answers with what is no HTTP and resets the connection.
func cut(w http.ResponseWriter, answer string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, answer)
	if tcp, ok := conn.(*net.TCPConn); ok && answer == "" {
		_ = tcp.SetLinger(0) // RST
	}
	_ = conn.Close()
}

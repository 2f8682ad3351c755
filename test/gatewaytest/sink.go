package gatewaytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Sink is a destination that keeps what it was sent.
type Sink struct {
	URL string

	server *httptest.Server
	answer func(Arrival, http.ResponseWriter)
	mu     sync.Mutex
	got    []Arrival
	counts map[string]int // by path
}

// Arrival is one request that arrived at a sink.
type Arrival struct {
	// Number counts the arrivals at the same path, from 1.
	Number   int
	At       time.Time
	Path     string
	Header   http.Header
	Body     []byte
	EventID  string
	Canceled <-chan struct{} // closed when the other side is gone
}

// NewSink starts a sink. answer decides what an arrival is answered with; nil is 200.
func NewSink(t testing.TB, answer func(Arrival, http.ResponseWriter)) *Sink {
	t.Helper()
	s := &Sink{answer: answer, counts: map[string]int{}}
	s.server = httptest.NewServer(s)
	s.URL = s.server.URL
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut before it had arrived
	}
	arrival := s.keep(Arrival{
		At: time.Now(), Path: r.URL.Path, Header: r.Header, Body: body, EventID: r.Header.Get("Webhook-Id"),
		Canceled: r.Context().Done(),
	})
	if s.answer != nil {
		s.answer(arrival, w)
	}
}

func (s *Sink) keep(a Arrival) Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[a.Path]++
	a.Number = s.counts[a.Path]
	s.got = append(s.got, a)
	return a
}

// Arrivals are those at a path, in their order; all of them when the path is empty.
func (s *Sink) Arrivals(path string) []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Arrival
	for _, a := range s.got {
		if path == "" || a.Path == path {
			found = append(found, a)
		}
	}
	return found
}

// Fail answers the first n arrivals at each path with a status, and the others with 200.
func Fail(n, status int) func(Arrival, http.ResponseWriter) {
	return func(a Arrival, w http.ResponseWriter) {
		if a.Number <= n {
			w.WriteHeader(status)
		}
	}
}

// Hang answers nothing until the other side is gone.
func Hang(a Arrival, _ http.ResponseWriter) { <-a.Canceled }

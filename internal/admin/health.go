package admin

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
)

// index lists the routes.
func (s *Server) index(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintf(w, "Grapnel %s, admin surface\n\n", s.Version)
	for _, r := range s.routes() {
		_, _ = fmt.Fprintf(w, "%-4s %s\n     %s\n", r.method, strings.TrimSuffix(r.pattern, "{$}"), r.summary)
	}
	return nil
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, "alive")
	return nil
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) error {
	health := api.Health{Ready: true}
	for _, d := range s.Operator.Status() {
		if d.Breaker != BreakerClosed {
			health.Down = append(health.Down, d.Name)
		}
	}
	if err := s.Accepting(); err != nil {
		health.Ready, health.Reason = false, err.Error()
		return writeJSON(w, http.StatusServiceUnavailable, health)
	}
	return writeJSON(w, http.StatusOK, health)
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	s.Metrics.ServeHTTP(w, r)
	return nil
}

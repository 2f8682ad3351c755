package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
)

// securityHeaders sets what holds for every answer: nothing is cached, sniffed, framed, run or shared.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// hostGuard refuses names that are not of this machine where no token protects: a web page whose name was rebound to a
// loopback address would otherwise be let in by the operator's own browser (DNS rebinding).
func (s *Server) hostGuard(next http.Handler) http.Handler {
	if !s.Token.Empty() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopbackName(r.Host) {
			writeProblem(w, api.NewProblem(http.StatusForbidden, "without a token only localhost and loopback addresses are served: set admin.token to use another name"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLoopbackName(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}

// crossOriginGuard refuses what a browser sends on behalf of another site's page (CSRF). Programs send no Origin and no
// Sec-Fetch-Site and pass.
func (s *Server) crossOriginGuard(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, api.NewProblem(http.StatusForbidden, "requests from pages of other sites are refused"))
	}))
	return protection.Handler(next)
}

// tokenGuard lets in who sends the token. Who fails often is refused for a while, whatever is sent then.
func (s *Server) tokenGuard() func(http.Handler) http.Handler {
	failures := newThrottle()
	return func(next http.Handler) http.Handler {
		if s.Token.Empty() {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if wait := failures.wait(r.RemoteAddr); wait > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
				writeProblem(w, api.NewProblem(http.StatusTooManyRequests, "too many wrong tokens from this address: wait a moment"))
				return
			}
			given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if bearer && s.Token.Equal(given) {
				next.ServeHTTP(w, r)
				return
			}
			if bearer {
				failures.failed(r.RemoteAddr)
				s.Logger.Warn("admin token refused", "remote", r.RemoteAddr)
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="grapnel"`)
			writeProblem(w, api.NewProblem(http.StatusUnauthorized, "a token is required: Authorization: Bearer TOKEN"))
		})
	}
}

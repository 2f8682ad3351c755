package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
)

// route is one operation: the declaration of which the server, the index and the reference page are made.
type route struct {
	method, pattern string
	summary         string
	// open routes need no token.
	open bool
	// query holds the parameters that are known; others are refused, so that a misspelt filter does not select all.
	query []parameter
	// body and answer are the wire types; nil for none, and for an answer that is not JSON.
	body, answer reflect.Type
	serve        handler
}

// handler answers, or returns an error that problemOf understands; then it has written nothing.
type handler func(http.ResponseWriter, *http.Request) error

// parameter is a parameter of a query.
type parameter struct{ name, meaning string }

func (s *Server) routes() []route {
	filter, paging := deliveryParameters(), pageParameters()
	return []route{
		plain("/{$}", "What is here.", s.index).withoutToken(),
		plain("/healthz", "Whether the process lives.", s.healthz).withoutToken(),
		plain("/readyz", "Whether senders get 2xx: 200 or 503. Destinations that are down are listed and make nothing unready.",
			s.readyz).withoutToken().answers(reflect.TypeFor[api.Health]()),
		plain("/metrics", "Metrics in the Prometheus text format.", s.metrics),

		read("/overview", "How the gateway is doing, on one screen.", s.overview),
		read("/counts", "The conservation equation of every destination, from counters that cost nothing to read.", s.counts),
		act("/recount", "Counts what is on disk and compares it with the counters: the proof that nothing was lost. It reads the whole store.", s.recount),

		read("/events", "Events, newest first.", s.events, slices.Concat(eventParameters(), paging)...),
		read("/events/{id}", "One event with its headers, its deliveries and their attempts.", s.event),
		plain(api.Prefix+"/events/{id}/body", "The body of an event, byte for byte as received, as a download.", s.body),
		read("/deliveries", "Deliveries, newest event first.", s.deliveries,
			slices.Concat(filter, []parameter{{"state", "a state; may be given several times"}}, paging)...),
		read("/deliveries/{event}/{step}/attempts", "The attempts of a delivery, oldest first.", s.attempts),
		read("/dead", "Dead letters: deliveries that ended without success, newest event first.", s.dead, slices.Concat(filter, paging)...),

		command("/replay", "Starts ended deliveries again: due now, with a full budget of attempts.", s.replay),
		command("/discard", "Gives deliveries up.", s.discard),

		read("/destinations", "How every destination is doing, by name.", s.destinations),
		act("/destinations/{name}/pause", "Stops deliveries to a destination, durably. What arrives for it waits and spends no attempts. A slash in the name is written %2F.", s.pause),
		act("/destinations/{name}/resume", "Lets deliveries to a destination flow again.", s.resume),

		read("/config", "The running configuration with its defaults, secrets redacted.", s.config),
		act("/reload", "Loads the configuration anew. When anything is wrong with it the answer is 422 with every error, and the running one stays.", s.reload),
	}
}

func eventParameters() []parameter {
	return []parameter{
		{"webhook", "received by this webhook"},
		{"dedupe_key", "with this dedupe key: the id that the provider gave it"},
		{"after", "received at or after this time (RFC 3339)"},
		{"before", "received before this time (RFC 3339)"},
	}
}

func deliveryParameters() []parameter {
	return []parameter{
		{"event", "of this event"},
		{"webhook", "received by this webhook"},
		{"destination", "to this destination"},
		{"class", "whose last attempt failed with this class of error"},
		{"code", "whose last attempt failed with this code"},
		{"after", "received at or after this time (RFC 3339)"},
		{"before", "received before this time (RFC 3339)"},
	}
}

func pageParameters() []parameter {
	return []parameter{
		{"limit", "how many at most, 1 to 1000; 50 unless given"},
		{"cursor", "`next` of the page before"},
	}
}

// plain is a GET that writes its answer itself.
func plain(pattern, summary string, serve handler) route {
	return route{method: http.MethodGet, pattern: pattern, summary: summary, serve: serve}
}

// read is a GET of the API.
func read[A any](path, summary string, f func(*http.Request) (A, error), query ...parameter) route {
	r := plain(api.Prefix+path, summary, answering(f)).answers(reflect.TypeFor[A]())
	r.query = query
	return r
}

// act is a POST of the API without a body.
func act[A any](path, summary string, f func(*http.Request) (A, error)) route {
	r := read(path, summary, f)
	r.method = http.MethodPost
	return r
}

// command is a POST of the API with a body.
func command[B, A any](path, summary string, f func(*http.Request, B) (A, error)) route {
	r := act(path, summary, func(r *http.Request) (answer A, err error) {
		body, err := decode[B](r)
		if err != nil {
			return answer, err
		}
		return f(r, body)
	})
	r.body = reflect.TypeFor[B]()
	return r
}

func (r route) withoutToken() route          { r.open = true; return r }
func (r route) answers(t reflect.Type) route { r.answer = t; return r }
func answering[A any](f func(*http.Request) (A, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		answer, err := f(r)
		if err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, answer)
	}
}

// checkQuery refuses parameters that the route does not know.
func (r route) checkQuery(given url.Values) error {
	for name := range given {
		if !slices.ContainsFunc(r.query, func(p parameter) bool { return p.name == name }) {
			return badRequest(fmt.Errorf("unknown parameter %q: %s", name, r.knownParameters()))
		}
	}
	return nil
}

func (r route) knownParameters() string {
	if len(r.query) == 0 {
		return "there are none here"
	}
	names := make([]string, len(r.query))
	for i, p := range r.query {
		names[i] = p.name
	}
	return "want one of " + strings.Join(names, ", ")
}

// handler puts the routes behind the guards.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	tokens := s.tokenGuard()
	protect := func(open bool, h handler) http.Handler {
		if open {
			return s.reporting(h)
		}
		return tokens(s.reporting(h))
	}
	allowed := map[string][]string{}
	for _, r := range s.routes() {
		allowed[r.pattern] = append(allowed[r.pattern], r.method)
		mux.Handle(r.method+" "+r.pattern, protect(r.open, func(w http.ResponseWriter, request *http.Request) error {
			if err := r.checkQuery(request.URL.Query()); err != nil {
				return err
			}
			return r.serve(w, request)
		}))
	}
	for pattern, methods := range allowed {
		mux.Handle(pattern, protect(false, wrongMethod(methods)))
	}
	mux.Handle("/", protect(false, unknownPath))
	return securityHeaders(s.hostGuard(s.crossOriginGuard(mux)))
}

func wrongMethod(allowed []string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return api.NewProblem(http.StatusMethodNotAllowed, fmt.Sprintf("%s is not possible here, only %s", r.Method, strings.Join(allowed, ", ")))
	}
}

func unknownPath(_ http.ResponseWriter, r *http.Request) error {
	return api.NewProblem(http.StatusNotFound, fmt.Sprintf("there is nothing at %s; / lists what there is", r.URL.Path))
}

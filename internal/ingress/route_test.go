package ingress

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Whatever a path holds, the catch-all takes only ids of the classic format, and nothing panics.
func FuzzPaths(f *testing.F) {
	for _, seed := range []string{
		"/webhook/orders", "/webhook/shop/orders", "/webhook/", "/webhook//", "/webhook/a/b/c", "/webhook/%6frders",
		"/webhook/../admin", "/webhook/a%2Fb", "/webhook/admin", "//webhook/a", "/webhook/a?b=c#d", "*", "/webhook/a_-b", "/webhook/\x00",
	} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`^/webhook/([a-zA-Z0-9][a-zA-Z0-9_-]{0,63})(/[a-zA-Z0-9][a-zA-Z0-9_-]{0,63})?$`)
	f.Fuzz(func(t *testing.T, path string) {
		in := new(intake)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("{}"))
		u, err := r.URL.Parse(path)
		if err != nil {
			return
		}
		r.URL, r.RequestURI = u, path
		w := httptest.NewRecorder()
		handler(in, webhook(func(w *Webhook) { w.ID = CatchAll })).ServeHTTP(w, r)
		if taken := len(in.kept()) == 1; taken != (w.Code == 200) || taken && !form.MatchString(u.EscapedPath()) {
			t.Errorf("%q is answered %d", path, w.Code)
		}
	})
}

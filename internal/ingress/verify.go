package ingress

import (
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// verifiable is the request as verifiers see it.
func (x *exchange) verifiable() *verify.Request {
	request := &verify.Request{
		Method:     x.r.Method,
		URL:        x.table.PublicURL + x.requestURI(),
		Header:     x.r.Header,
		Body:       x.body,
		Client:     x.client(),
		TLS:        x.r.TLS,
		ReceivedAt: x.receivedAt,
	}
	if x.r.URL.RawQuery != "" {
		request.Query = x.r.URL.Query()
	}
	return request
}

// requestURI is the path and the query as sent; a request line may also hold the whole address (RFC 9112 section 3.2.2).
func (x *exchange) requestURI() string {
	if strings.HasPrefix(x.r.RequestURI, "/") {
		return x.r.RequestURI
	}
	return x.r.URL.RequestURI()
}

// verify asks all verifiers. When they do not agree the first one that denies is heard.
func (x *exchange) verify(request *verify.Request) error {
	for _, v := range x.hook.Verifiers {
		if err := v.Verify(x.r.Context(), request); err != nil {
			return errUnauthentic(err)
		}
	}
	return nil
}

// handshake answers a request that is no event but a provider's question who owns the address.
func (x *exchange) handshake(request *verify.Request) (answered bool, err error) {
	for _, v := range x.hook.Verifiers {
		shaker, ok := v.(verify.Handshaker)
		if !ok {
			continue
		}
		answer, err := shaker.Handshake(x.r.Context(), request)
		if err != nil {
			return false, errUnauthentic(err)
		}
		if answer != nil {
			x.echo(answer)
			return true, nil
		}
	}
	return false, nil
}

// echo writes the answer to a handshake. It often repeats what the request said, so browsers and search engines are
// told to make nothing of it.
func (x *exchange) echo(answer *verify.Answer) {
	header := x.w.Header()
	maps.Copy(header, answer.Header)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex")
	line, ok := x.paced(slog.String("request", x.id), slog.String("webhook", x.hook.ID), slog.Int("status", answer.Status))
	if ok {
		x.log.LogAttrs(x.r.Context(), slog.LevelInfo, "handshake answered", line...)
	}
	x.w.WriteHeader(answer.Status)
	_, _ = x.w.Write(answer.Body) // a sender that is gone changes nothing
}

// credentials names what of a request is not kept: the headers and the query parameters in which secrets travel.
func (w *Webhook) credentials() (headers, parameters []string) {
	headers = event.SecretHeaders()
	for _, v := range w.Verifiers {
		if carrier, ok := v.(verify.Carrier); ok {
			h, p := carrier.Credentials()
			headers, parameters = append(headers, h...), append(parameters, p...)
		}
	}
	return headers, parameters
}

// without is the header without some names, in any case. The values are shared: nobody changes them any more.
func without(header http.Header, names []string) http.Header {
	kept := make(http.Header, len(header))
	for name, values := range header {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			kept[name] = values
		}
	}
	return kept
}

// withoutParameters is an address without some parameters of its query; the rest stays as it was sent.
func withoutParameters(uri string, names []string) string {
	path, query, found := strings.Cut(uri, "?")
	if !found || len(names) == 0 {
		return uri
	}
	kept := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		return err != nil || slices.Contains(names, plain)
	})
	if len(kept) == 0 {
		return path
	}
	return path + "?" + strings.Join(kept, "&")
}

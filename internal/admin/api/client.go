package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// Prefix is where the API lives beneath the address of the admin surface.
const Prefix = "/api/v1"

// Client asks a running gateway. Every method returns a *Problem when the gateway refused, and another error when it
// could not be asked. It may be used concurrently.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// NewClient makes a client for the admin surface at base, as in "http://127.0.0.1:8001". token may be empty for a
// surface on loopback that has none. Bulk operations take as long as they need: bound them by ctx.
func NewClient(base, token string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("admin URL %q: want http://HOST:PORT or https://HOST", base)
	}
	// A token must not follow a redirect to somewhere else, and the API never redirects.
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: u, token: token, http: &http.Client{CheckRedirect: refuse}}, nil
}

// Overview tells how the gateway is doing.
func (c *Client) Overview(ctx context.Context) (Overview, error) {
	return get[Overview](ctx, c, nil, "overview")
}

// Events lists events, newest first.
func (c *Client) Events(ctx context.Context, f EventFilter, p PageRequest) (Page[EventSummary], error) {
	return get[Page[EventSummary]](ctx, c, p.Query(f.Query()), "events")
}

// Event gives an event with its timeline.
func (c *Client) Event(ctx context.Context, id string) (Event, error) {
	return get[Event](ctx, c, nil, "events", id)
}

// Body gives the body of an event, byte for byte as received. The caller closes it.
func (c *Client) Body(ctx context.Context, id string) (io.ReadCloser, error) {
	response, err := c.do(ctx, http.MethodGet, nil, nil, "events", id, "body")
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// Deliveries lists deliveries, newest event first.
func (c *Client) Deliveries(ctx context.Context, f DeliveryFilter, p PageRequest) (Page[Delivery], error) {
	return get[Page[Delivery]](ctx, c, p.Query(f.Query()), "deliveries")
}

// Attempts lists the attempts of a delivery, oldest first.
func (c *Client) Attempts(ctx context.Context, id event.DeliveryID) (Page[Attempt], error) {
	return get[Page[Attempt]](ctx, c, nil, "deliveries", id.Event, strconv.Itoa(id.Step), "attempts")
}

// Dead lists dead letters, newest event first; the filter's States are not used.
func (c *Client) Dead(ctx context.Context, f DeliveryFilter, p PageRequest) (Page[Delivery], error) {
	f.States = nil
	return get[Page[Delivery]](ctx, c, p.Query(f.Query()), "dead")
}

// Replay starts ended deliveries again.
func (c *Client) Replay(ctx context.Context, r BulkRequest) (BulkResult, error) {
	return post[BulkResult](ctx, c, r, "replay")
}

// Discard gives deliveries up.
func (c *Client) Discard(ctx context.Context, r BulkRequest) (BulkResult, error) {
	return post[BulkResult](ctx, c, r, "discard")
}

// Destinations tells how every destination is doing, by name.
func (c *Client) Destinations(ctx context.Context) (Page[Destination], error) {
	return get[Page[Destination]](ctx, c, nil, "destinations")
}

// Pause stops deliveries to a destination, durably; what arrives for it waits.
func (c *Client) Pause(ctx context.Context, destination string) (Destination, error) {
	return post[Destination](ctx, c, nil, "destinations", destination, "pause")
}

// Resume lets deliveries to a destination flow again.
func (c *Client) Resume(ctx context.Context, destination string) (Destination, error) {
	return post[Destination](ctx, c, nil, "destinations", destination, "resume")
}

// Reload loads the configuration anew. A *Problem with status 422 lists what is wrong with it; the running one stays.
func (c *Client) Reload(ctx context.Context) (ConfigSummary, error) {
	return post[ConfigSummary](ctx, c, nil, "reload")
}

// Config gives the running configuration.
func (c *Client) Config(ctx context.Context) (Config, error) {
	return get[Config](ctx, c, nil, "config")
}

// Counts gives the conservation equation for every destination.
func (c *Client) Counts(ctx context.Context) (Counts, error) {
	return get[Counts](ctx, c, nil, "counts")
}

// Recount counts what is on disk and compares it with the counters. It reads the whole store.
func (c *Client) Recount(ctx context.Context) (Recount, error) {
	return post[Recount](ctx, c, nil, "recount")
}

func get[T any](ctx context.Context, c *Client, q url.Values, path ...string) (T, error) {
	return ask[T](ctx, c, http.MethodGet, q, nil, path...)
}

func post[T any](ctx context.Context, c *Client, body any, path ...string) (T, error) {
	return ask[T](ctx, c, http.MethodPost, nil, body, path...)
}

func ask[T any](ctx context.Context, c *Client, method string, q url.Values, body any, path ...string) (answer T, err error) {
	response, err := c.do(ctx, method, q, body, path...)
	if err != nil {
		return answer, err
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("read the answer of %s: %w", response.Request.URL.Redacted(), err)
	}
	return answer, nil
}

// do sends a request and gives the answer when it is a success; the caller closes its body.
func (c *Client) do(ctx context.Context, method string, q url.Values, body any, path ...string) (*http.Response, error) {
	request, err := c.request(ctx, method, q, body, path)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the gateway: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		defer func() { _ = response.Body.Close() }()
		return nil, readProblem(response)
	}
	return response, nil
}

func (c *Client) request(ctx context.Context, method string, q url.Values, body any, path []string) (*http.Request, error) {
	content := []byte(nil)
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.address(path, q), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	return request, nil
}

// address escapes each part of the path on its own: names of destinations may hold a slash.
func (c *Client) address(path []string, q url.Values) string {
	parts := []string{Prefix}
	for _, part := range path {
		parts = append(parts, url.PathEscape(part))
	}
	u := c.base.JoinPath(parts...)
	u.RawQuery = q.Encode()
	return u.String()
}

// readProblem reads a refusal, also one that came from something other than a gateway.
func readProblem(response *http.Response) error {
	fallback := NewProblem(response.StatusCode, fmt.Sprintf("%s answered %s", response.Request.URL.Redacted(), response.Status))
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || kind != ProblemType {
		return fallback
	}
	problem := &Problem{}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(problem); err != nil || problem.Status == 0 {
		return fallback
	}
	return problem
}

package gatewaytest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// Answer is what the gateway answered to a sender.
type Answer struct {
	Code   int
	Header http.Header
	// ID, Status, Message, Note and Duplicate are those of the body, when it is one of an accepted event.
	ID, Status, Message, Note string
	Duplicate                 bool
	Took                      time.Duration
}

// Accepted says whether the event is the gateway's now.
func (a Answer) Accepted() bool { return a.Code/100 == 2 }

// Post sends a JSON body to a webhook. Headers are given as "Name: value". An error ends the test.
func (g *Gateway) Post(webhook, body string, headers ...string) Answer {
	g.t.Helper()
	request, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.URL+"/webhook/"+webhook, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	answer, err := Send(request)
	if err != nil {
		g.t.Fatalf("send to %s: %v; the gateway's output:\n%s", webhook, err, g.Log())
	}
	return answer
}

// client keeps as many connections as a test has senders.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

// Send sends a request and reads the whole answer. An error means that the sender does not know what became of it.
func Send(request *http.Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(request.Context(), patience)
	defer cancel()
	start := time.Now()
	response, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Code: response.StatusCode, Header: response.Header, Took: time.Since(start)}
	_ = json.Unmarshal(body, &answer) // only the answers to accepted events are read further
	return answer, nil
}

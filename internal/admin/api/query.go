package api

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

// maxPage is how many items a page may have.
const maxPage = 1000

// Query writes the filter as parameters of a URL.
func (f DeliveryFilter) Query() url.Values {
	q := url.Values{}
	set(q, "event", f.EventID)
	set(q, "webhook", f.Webhook)
	set(q, "destination", f.Destination)
	for _, state := range f.States {
		q.Add("state", state.String())
	}
	set(q, "class", string(f.Class))
	set(q, "code", f.Code)
	setTime(q, "after", f.After)
	setTime(q, "before", f.Before)
	return q
}

// ParseDeliveryFilter reads what Query writes.
func ParseDeliveryFilter(q url.Values) (DeliveryFilter, error) {
	f := DeliveryFilter{
		EventID: q.Get("event"), Webhook: q.Get("webhook"), Destination: q.Get("destination"),
		Class: fault.Class(q.Get("class")), Code: q.Get("code"),
	}
	for _, name := range q["state"] {
		var state event.State
		if err := state.UnmarshalText([]byte(name)); err != nil {
			return f, err
		}
		f.States = append(f.States, state)
	}
	var err error
	f.After, f.Before, err = parseRange(q)
	return f, err
}

// Query writes the filter as parameters of a URL.
func (f EventFilter) Query() url.Values {
	q := url.Values{}
	set(q, "webhook", f.Webhook)
	set(q, "dedupe_key", f.DedupeKey)
	setTime(q, "after", f.After)
	setTime(q, "before", f.Before)
	return q
}

// ParseEventFilter reads what Query writes.
func ParseEventFilter(q url.Values) (EventFilter, error) {
	after, before, err := parseRange(q)
	return EventFilter{Webhook: q.Get("webhook"), DedupeKey: q.Get("dedupe_key"), After: after, Before: before}, err
}

// Query adds the request to parameters of a URL.
func (p PageRequest) Query(q url.Values) url.Values {
	if p.Limit != 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
	set(q, "cursor", p.Cursor)
	return q
}

// ParsePageRequest reads what Query writes.
func ParsePageRequest(q url.Values) (PageRequest, error) {
	p := PageRequest{Cursor: q.Get("cursor")}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			return p, fmt.Errorf("limit %q: want a number from 1 to %d", text, maxPage)
		}
		p.Limit = n
	}
	return p, nil
}

func set(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}

func setTime(q url.Values, key string, t time.Time) {
	if !t.IsZero() {
		q.Set(key, t.UTC().Format(time.RFC3339Nano))
	}
}

func parseRange(q url.Values) (after, before time.Time, err error) {
	if after, err = parseTime(q, "after"); err != nil {
		return after, before, err
	}
	before, err = parseTime(q, "before")
	return after, before, err
}

func parseTime(q url.Values, key string) (time.Time, error) {
	text := q.Get(key)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	t = t.UTC()
	if err != nil || t.Year() < 1970 || t.Year() > 9999 { // RFC 3339 has no later years, a gateway has no earlier events
		return t, fmt.Errorf("%s %q: want a time as in 2026-05-01T12:00:00Z", key, text)
	}
	return t, nil
}

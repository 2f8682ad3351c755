package cli

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
)

// show tells the story of one event.
type show struct {
	gateway
	output
	ID   string `arg:"" help:"The event's id, as the answer to its sender gave it."`
	Body bool   `help:"Print the body instead, byte for byte; on a terminal its control characters are escaped."`
}

// Help is shown by kong.
func (*show) Help() string {
	return `Examples:

    grapnel event 0198c7a2-5d0e-7000-8000-000000000001
    grapnel event 0198c7a2-5d0e-7000-8000-000000000001 --body > event.json`
}

// Run is called by kong.
func (s *show) Run(ctx context.Context, t *terminal) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	if s.Body {
		return printBody(ctx, t, client, s.ID)
	}
	found, err := client.Event(ctx, s.ID)
	if err != nil {
		return err
	}
	return s.print(t, found, func() { printEvent(t, found, time.Now()) })
}

func printBody(ctx context.Context, t *terminal, client *api.Client, id string) error {
	body, err := client.Body(ctx, id)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	if !isTerminal(t.out) {
		_, err = io.Copy(t.out, body)
		return err
	}
	content, err := io.ReadAll(body)
	t.printf("%s\n", clean(string(content), keepLines))
	return err
}

func printEvent(t *terminal, e api.Event, now time.Time) {
	t.printf("%s  %s\n", t.paint(bold, e.ID), e.Webhook)
	t.printf("received %s (%s ago), %s %s, %s\n", clock(e.ReceivedAt), length(now.Sub(e.ReceivedAt)),
		clean(e.Method, ""), clean(e.URL, ""), size(e.SizeBytes))
	if e.DedupeKey != "" {
		t.printf("dedupe key %s\n", clean(e.DedupeKey, ""))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Header)) {
		t.printf("  %s\n", t.paint(dim, clean(name+": "+strings.Join(e.Header[name], ", "), "")))
	}
	for _, d := range e.Deliveries {
		printTimeline(t, d, now)
	}
}

// printTimeline tells of one delivery, with times counted from when the event was received.
func printTimeline(t *terminal, d api.Timeline, now time.Time) {
	t.printf("\n%s  %s  %s\n", d.Destination, t.paint(styleOf(d.State), d.State.String()), count(d.Attempts, "attempt"))
	for _, a := range d.History {
		t.printf("  %-9s %s\n", "+"+length(a.StartedAt.Sub(d.ReceivedAt)), describe(t, a))
		if a.Response != "" {
			t.printf("            answered: %s\n", clean(strings.TrimSpace(a.Response), ""))
		}
	}
	printNext(t, d.Delivery, now)
}

func describe(t *terminal, a api.Attempt) string {
	line := "attempt " + number(a.Number) + " "
	took := length(time.Duration(a.TookSeconds * float64(time.Second)))
	if a.Outcome == event.OutcomeDelivered {
		return line + t.paint(green, "delivered") + " in " + took + receipt(a.Receipt)
	}
	line += t.paint(red, "failed") + " after " + took + ": " + clean(a.Error, "")
	if a.Class != "" {
		line += " (" + strings.TrimSuffix(string(a.Class)+", "+clean(a.Code, ""), ", ") + ")"
	}
	return line + consequence(a)
}

func receipt(text string) string {
	if text == "" {
		return ""
	}
	return ", confirmed as " + clean(text, "")
}

// consequence is what followed from a failed attempt.
func consequence(a api.Attempt) string {
	switch a.Outcome {
	case event.OutcomeRetry:
		return "; next " + length(a.NextAttemptAt.Sub(a.StartedAt)) + " later"
	case event.OutcomeInterrupted:
		return "; cut by a shutdown, not counted"
	case event.OutcomeDead:
		return "; given up"
	case event.OutcomeDelivered:
		return ""
	default:
		return ""
	}
}

// printNext tells what is to come for a delivery that has not ended.
func printNext(t *terminal, d api.Delivery, now time.Time) {
	switch {
	case d.InFlight:
		t.printf("  an attempt is under way\n")
	case d.State == event.Waiting:
		t.printf("  waits for the step before it\n")
	case d.State == event.Pending && d.NextAttemptAt.After(now):
		t.printf("  next attempt in %s, at %s\n", length(d.NextAttemptAt.Sub(now)), clock(d.NextAttemptAt))
	case d.State == event.Pending:
		t.printf("  next attempt is due\n")
	}
}

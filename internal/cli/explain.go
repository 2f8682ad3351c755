package cli

import (
	"fmt"
	"time"

	"github.com/grapnel-dev/grapnel/internal/config"
	"github.com/grapnel-dev/grapnel/internal/retry"
)

// explain says what will happen to an event.
type explain struct {
	source
	output
	Webhook string `arg:"" help:"The webhook's id: orders, or shop/orders."`
}

// Help is shown by kong.
func (*explain) Help() string {
	return `Nothing is sent: it is read from the configuration. The timetable is that of a delivery whose every attempt fails in a
way that is retried, without Retry-After; how long the attempts take comes on top.

Examples:

    grapnel explain orders --config grapnel.yaml
    grapnel explain orders --config grapnel.yaml --output json | jq '.destinations[].timetable[-1]'`
}

// Run is called by kong.
func (e *explain) Run(t *terminal) error {
	loaded, err := e.load()
	if err != nil {
		return err
	}
	webhook, ok := loaded.Webhooks[e.Webhook]
	if !ok {
		return usageError{fmt.Errorf("no webhook %q in the configuration; it has %s", e.Webhook, names(loaded.Webhooks))}
	}
	told := explained(loaded, webhook)
	return e.print(t, told, func() { printExplanation(t, told, time.Now()) })
}

// explanation is what will happen to an event, in the order in which it does.
type explanation struct {
	Webhook      string        `json:"webhook"`
	Path         string        `json:"path"`
	Checks       []gate        `json:"checks"`
	Chain        string        `json:"chain"`
	Destinations []plan        `json:"destinations"`
	Answers      []givenAnswer `json:"answers"`
}

// gate is something an event must pass, and what the sender is answered when it does not.
type gate struct {
	Check string `json:"check"`
	Else  string `json:"else"`
}

// givenAnswer is how a sender is answered after the event is durable.
type givenAnswer struct {
	Status int    `json:"status"`
	When   string `json:"when"`
}

// plan is how events are delivered to one destination.
type plan struct {
	Destination string   `json:"destination"`
	Module      string   `json:"module"`
	Limits      string   `json:"limits"`
	Breaker     string   `json:"breaker"`
	Retried     []string `json:"retried"`
	NotRetried  []string `json:"not_retried"`
	Timetable   []try    `json:"timetable"`
}

// try is one attempt of the timetable, in seconds.
type try struct {
	Attempt  int     `json:"attempt"`
	DelayMin float64 `json:"delay_min_seconds"`
	DelayMax float64 `json:"delay_max_seconds"`
	AfterMin float64 `json:"after_min_seconds"`
	AfterMax float64 `json:"after_max_seconds"`
}

func explained(c *config.Config, w *config.Webhook) explanation {
	told := explanation{
		Webhook: w.ID, Path: "POST /webhook/" + w.ID, Checks: gates(c, w), Chain: w.Chain.String(), Answers: answers(w),
	}
	for i := range w.Steps {
		told.Destinations = append(told.Destinations, planOf(&w.Steps[i]))
	}
	return told
}

func planOf(s *config.Step) plan {
	retried, not := partition(s.Retry)
	return plan{
		Destination: s.Destination, Module: s.Module, Limits: limits(s), Breaker: breakerText(s),
		Retried: retried, NotRetried: not, Timetable: timetable(s.Retry),
	}
}

func timetable(p retry.Policy) []try {
	var tries []try
	for _, planned := range p.Schedule() {
		tries = append(tries, try{
			planned.Attempt, planned.DelayMin.Seconds(), planned.DelayMax.Seconds(),
			planned.AfterMin.Seconds(), planned.AfterMax.Seconds(),
		})
	}
	return tries
}

func printExplanation(t *terminal, told explanation, now time.Time) {
	t.printf("%s  %s\n\n%s\n", t.paint(bold, told.Webhook), told.Path, t.paint(bold, "A request must pass, in this order"))
	rows := [][]cell{heading("     CHECK", "ELSE")}
	for i, g := range told.Checks {
		rows = append(rows, []cell{{fmt.Sprintf("  %d. %s", i+1, g.Check), plain}, {g.Else, plain}})
	}
	t.table(rows)
	t.printf("\n%s\n", t.paint(bold, "It is then on disk, and the sender is answered"))
	for _, a := range told.Answers {
		t.printf("  %d when %s\n", a.Status, a.When)
	}
	t.printf("\n%s\n", t.paint(bold, "It is delivered to "+count(len(told.Destinations), "destination")+order(told)))
	for _, p := range told.Destinations {
		printPlan(t, p, now)
	}
}

func order(told explanation) string {
	if len(told.Destinations) == 1 {
		return ""
	}
	return " (" + told.Chain + ")"
}

func printPlan(t *terminal, p plan, now time.Time) {
	t.printf("  %s by %s: %s\n", t.paint(bold, p.Destination), p.Module, p.Limits)
	t.printf("    circuit breaker: %s\n", p.Breaker)
	if len(p.Timetable) == 1 {
		t.printf("    one attempt; a failure becomes a dead letter (retry is off)\n")
		return
	}
	t.printf("    retried: %s\n    not retried: %s\n", list(p.Retried), list(p.NotRetried))
	rows := [][]cell{heading("    ATTEMPT", "WAITS", "AFTER THE FIRST", "IF IT FAILED FIRST NOW")}
	for _, one := range p.Timetable {
		rows = append(rows, row(one, now))
	}
	t.table(rows)
	last := p.Timetable[len(p.Timetable)-1]
	t.printf("    then it becomes a dead letter: %s after the first attempt\n", span(last.AfterMin, last.AfterMax))
}

func row(one try, now time.Time) []cell {
	if one.Attempt == 1 {
		return []cell{{"    1", plain}, {"-", plain}, {"at once", plain}, {clock(now), plain}}
	}
	return []cell{
		{"    " + number(one.Attempt), plain},
		{span(one.DelayMin, one.DelayMax), plain},
		{span(one.AfterMin, one.AfterMax), plain},
		{clock(now.Add(seconds(one.AfterMin))), plain},
	}
}

func span(least, most float64) string { return between(seconds(least), seconds(most)) }

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/units"
)

// count is "1 webhook", "2 webhooks".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		noun = stem + "ie" // deliveries
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// number is n in digits.
func number(n int) string { return strconv.Itoa(n) }

// clock is a time as people here read it.
func clock(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Local().Format(time.DateTime)
}

// size is a number of bytes with the unit that is easiest to read.
func size(bytes int) string {
	if bytes < 10<<10 {
		return fmt.Sprintf("%d B", bytes)
	}
	if bytes < 10<<20 {
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// length is how long something takes, to three places at most.
func length(d time.Duration) string {
	switch {
	case d >= time.Minute:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		d = d.Round(100 * time.Microsecond)
	default:
		d = d.Round(time.Microsecond)
	}
	return units.Duration(d).String()
}

func between(least, most time.Duration) string {
	if length(least) == length(most) {
		return length(least)
	}
	return length(least) + " to " + length(most)
}

// styleOf is how a state is shown.
func styleOf(s event.State) style {
	switch s {
	case event.Delivered:
		return green
	case event.Dead:
		return red
	case event.Pending, event.Waiting:
		return yellow
	case event.Discarded, event.Skipped:
		return dim
	default:
		return plain
	}
}

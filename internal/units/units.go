// Package units holds the quantities that people write in a configuration: durations ("90s", "3d", or plain seconds)
// and sizes ("10MiB", or plain bytes).
//
// It knows nothing of which key they stand for.
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, written as a number of seconds ("1.5") or with units from ms to w ("1m30s", "3d").
type Duration time.Duration

// Std gives the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// UnmarshalText reads either form.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// MarshalText writes the form with units.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String writes the form with units, days and weeks included: "3d", "1h30m", "250ms".
func (d Duration) String() string {
	const day = 24 * time.Hour
	std := time.Duration(d)
	if std >= day && std%day == 0 {
		return strconv.FormatInt(int64(std/day), 10) + "d"
	}
	s := std.String()
	s = strings.TrimSuffix(s, "m0s") + map[bool]string{true: "m"}[strings.HasSuffix(s, "m0s")]
	return strings.TrimSuffix(s, "h0m") + map[bool]string{true: "h"}[strings.HasSuffix(s, "h0m")]
}

// ParseDuration reads a number of seconds or a duration with units; d is a day and w a week.
func ParseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		if math.IsNaN(seconds) || math.Abs(seconds) > math.MaxInt64/float64(time.Second) {
			return 0, fmt.Errorf("duration %q is out of range", s)
		}
		return time.Duration(seconds * float64(time.Second)), nil
	}
	var total time.Duration
	rest := s
	for _, unit := range []struct {
		suffix string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		if number, after, ok := strings.Cut(rest, unit.suffix); ok {
			n, err := strconv.ParseFloat(number, 64)
			if err != nil {
				return 0, badDuration(s)
			}
			total += time.Duration(n * float64(unit.length))
			rest = after
		}
	}
	if rest == "" && s != "" {
		return total, nil
	}
	tail, err := time.ParseDuration(rest)
	if err != nil {
		return 0, badDuration(s)
	}
	return total + tail, nil
}

func badDuration(s string) error {
	return fmt.Errorf("duration %q: want seconds (1.5) or a number with a unit (250ms, 30s, 5m, 2h, 3d, 1w)", s)
}

// Size is a number of bytes, written as a number or with a unit: kB, MB, GB (powers of 1000), KiB, MiB, GiB (of 1024).
type Size int64

// UnmarshalText reads either form.
func (z *Size) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	number := strings.TrimRight(s, "kKMGTiB ")
	factor, ok := sizeUnits()[strings.TrimSpace(s[len(number):])]
	n, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || n < 0 || n*factor > math.MaxInt64 {
		return fmt.Errorf("size %q: want bytes (1048576) or a number with a unit (512KiB, 10MiB, 2GB)", s)
	}
	*z = Size(n * factor)
	return nil
}

// MarshalText writes the form with units.
func (z Size) MarshalText() ([]byte, error) { return []byte(z.String()), nil }

// String writes the largest unit that divides the size: "10MiB", "1500B".
func (z Size) String() string {
	for _, unit := range []string{"GiB", "MiB", "KiB"} {
		if f := Size(sizeUnits()[unit]); z >= f && z%f == 0 {
			return strconv.FormatInt(int64(z/f), 10) + unit
		}
	}
	return strconv.FormatInt(int64(z), 10) + "B"
}

func sizeUnits() map[string]float64 {
	return map[string]float64{
		"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}
}

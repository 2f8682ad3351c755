package units

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	tests := []struct {
		text  string
		want  time.Duration
		shown string
	}{
		{"1.5", 1500 * time.Millisecond, "1.5s"},
		{"0", 0, "0s"},
		{"60", time.Minute, "1m"},
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"90s", 90 * time.Second, "1m30s"},
		{"2h", 2 * time.Hour, "2h"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"3d", 72 * time.Hour, "3d"},
		{"1w", 7 * 24 * time.Hour, "7d"},
		{"1d12h", 36 * time.Hour, "36h"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			var d Duration
			if err := d.UnmarshalText([]byte(test.text)); err != nil || d.Std() != test.want {
				t.Errorf("read as %v, %v; want %v", d.Std(), err, test.want)
			}
			if d.String() != test.shown {
				t.Errorf("shown as %s, want %s", d, test.shown)
			}
		})
	}
	for _, bad := range []string{"", "soon", "5x", "d", "1d2", "1e300", "NaN", "d5h"} {
		t.Run("refuses "+bad, func(t *testing.T) {
			if d, err := ParseDuration(bad); err == nil {
				t.Errorf("read as %v", d)
			}
		})
	}
}

func TestSize(t *testing.T) {
	tests := []struct {
		text  string
		want  Size
		shown string
	}{
		{"1048576", 1 << 20, "1MiB"},
		{"10MiB", 10 << 20, "10MiB"},
		{"2GB", 2e9, "1953125KiB"},
		{"1500", 1500, "1500B"},
		{"0.5 KiB", 512, "512B"},
		{"0", 0, "0B"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			var z Size
			if err := z.UnmarshalText([]byte(test.text)); err != nil || z != test.want {
				t.Errorf("read as %d, %v; want %d", z, err, test.want)
			}
			if z.String() != test.shown {
				t.Errorf("shown as %s, want %s", z, test.shown)
			}
		})
	}
	for _, bad := range []string{"", "-1", "big", "10XB", "1e300GB"} {
		t.Run("refuses "+bad, func(t *testing.T) {
			if err := new(Size).UnmarshalText([]byte(bad)); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

package config_test

import (
	"testing"

	"github.com/grapnel-dev/grapnel/internal/config"
)

func TestRate(t *testing.T) {
	for text, want := range map[string]config.Rate{"5": 5, "0.5": 0.5, "120/m": 2, "3600 / h": 1, "86400/d": 1, "7/s": 7} {
		var got config.Rate
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %v per second, want %v (%v)", text, got, want, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "NaN", "Inf", "1/y", "1/", "/m", "many", "1e30"} {
		if err := new(config.Rate).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "10.1.2.3/8": "10.0.0.0/8", "2001:db8::1": "2001:db8::1/128", "::ffff:192.0.2.7": "192.0.2.7/32",
	} {
		var got config.Network
		if err := got.UnmarshalText([]byte(text)); err != nil || got.String() != want {
			t.Errorf("%q is %s, want %s (%v)", text, got, want, err)
		}
	}
	for _, text := range []string{"", "localhost", "10.0.0.0/33", "fe80::1%eth0"} {
		if err := new(config.Network).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

package netguard_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/netguard"
)

func TestCheck(t *testing.T) {
	const public, private, metadata = "public", "private", "metadata"
	for addr, kind := range map[string]string{
		"93.184.216.34": public, "1.1.1.1": public, "223.255.255.255": public, "2606:4700::1111": public,
		"64:ff9b::101:101": public, "2002:101:101::1": public, "::ffff:1.1.1.1": public,

		"127.0.0.1": private, "127.9.9.9": private, "0.0.0.0": private, "0.1.2.3": private, "10.1.2.3": private,
		"172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private, "100.64.0.1": private,
		"169.254.1.1": private, "192.0.2.1": private, "198.51.100.7": private, "203.0.113.7": private, "198.18.0.1": private,
		"224.0.0.1": private, "255.255.255.255": private, "240.0.0.1": private,
		"::": private, "::1": private, "fe80::1": private, "fe80::1%lo": private, "fc00::1": private, "fd12::1": private,
		"ff02::1": private, "2001:db8::1": private, "3fff::1": private, "2001::1": private, "fec0::1": private, "64:ff9b:1::1": private,
		"::ffff:127.0.0.1": private, "::ffff:10.0.0.1": private, "64:ff9b::7f00:1": private, "2002:7f00:1::": private,
		"2002:a00:1::1": private, "::127.0.0.1": private, "::ffff:0:7f00:1": private,

		"169.254.169.254": metadata, "::ffff:169.254.169.254": metadata, "64:ff9b::a9fe:a9fe": metadata,
		"2002:a9fe:a9fe::": metadata, "::a9fe:a9fe": metadata, "fd00:ec2::254": metadata, "fd20:ce::254": metadata,
		"100.100.100.200": metadata, "192.0.0.192": metadata, "168.63.129.16": metadata, "fe80::a9fe:a9fe%eth0": metadata,
	} {
		addr, strict, trusting := netip.MustParseAddr(addr), netguard.Policy{}, netguard.Policy{AllowPrivate: true}
		if err := strict.Check(addr); (err == nil) != (kind == public) {
			t.Errorf("%s, which is %s: strict policy says %v", addr, kind, err)
		}
		if err := trusting.Check(addr); (err == nil) != (kind != metadata) {
			t.Errorf("%s, which is %s: trusting policy says %v", addr, kind, err)
		}
	}
}

func TestRefusedDial(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())

	t.Run("a name is judged by what it resolves to", func(t *testing.T) {
		dialer := net.Dialer{ControlContext: netguard.Policy{}.Control}
		_, err := dialer.DialContext(t.Context(), "tcp", "localhost:"+port)
		refused, ok := errors.AsType[*netguard.RefusedError](err)
		if !ok || !refused.Addr.IsLoopback() {
			t.Fatalf("dial localhost: %v, want it refused", err)
		}
	})
	t.Run("the failure is one of the configuration", func(t *testing.T) {
		dialer := net.Dialer{ControlContext: netguard.Policy{}.Control}
		_, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
		if f := fault.From(err); f.Class != fault.ConfigurationError || f.Code != netguard.CodeRefused {
			t.Fatalf("dial: %v of class %s, code %q", f, f.Class, f.Code)
		}
	})
	t.Run("a trusted address is dialled", func(t *testing.T) {
		dialer := net.Dialer{ControlContext: netguard.Policy{AllowPrivate: true}.Control}
		conn, err := dialer.DialContext(t.Context(), "tcp", "localhost:"+port)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	})
	t.Run("what is no IP address is refused", func(t *testing.T) {
		dialer := net.Dialer{ControlContext: netguard.Policy{AllowPrivate: true}.Control}
		if _, err := dialer.DialContext(t.Context(), "unix", "/run/control.sock"); err == nil {
			t.Fatal("a unix socket was dialled")
		}
	})
}

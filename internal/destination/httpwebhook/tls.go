package httpwebhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS is how a server is verified, and what we show it.
type TLS struct {
	// CAFile is a file of certificates (PEM) to trust instead of the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile is our own certificate (PEM), for servers that ask for one; key_file belongs to it.
	CertFile string `yaml:"cert_file"`
	// KeyFile is the key of cert_file (PEM).
	KeyFile string `yaml:"key_file"`
	// ServerName is the name that the server's certificate must have, when it is not the host of the URL.
	ServerName string `yaml:"server_name"`
	// MinVersion is the oldest version of TLS to speak: 1.2 unless it is written.
	MinVersion string `yaml:"min_version" enum:"1.2|1.3"`
}

func (t TLS) load() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.MinVersion == "1.3" {
		config.MinVersion = tls.VersionTLS13
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM", t.CAFile)
		}
	}
	return config, t.loadOwn(config)
}

func (t TLS) loadOwn(config *tls.Config) error {
	if t.CertFile == "" && t.KeyFile == "" {
		return nil
	}
	if t.CertFile == "" || t.KeyFile == "" {
		return errors.New("cert_file and key_file go together: one of them is missing")
	}
	certificate, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return fmt.Errorf("cert_file: %w", err)
	}
	config.Certificates = []tls.Certificate{certificate}
	return nil
}

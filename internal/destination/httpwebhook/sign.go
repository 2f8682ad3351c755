package httpwebhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/secret"
)

// Sign is the secrets to sign with, by Standard Webhooks: base64, with or without the prefix "whsec_".
type Sign struct {
	// Secret is the secret to sign with.
	Secret secret.Value `yaml:"secret"`
	// Secrets are several of them, the new and the old one while they are being changed: a request then carries a
	// signature by each.
	Secrets []secret.Value `yaml:"secrets"`
}

// keys decodes the secrets. No Sign means that nothing is signed; one without a secret is an error.
func (s *Sign) keys() ([][]byte, error) {
	if s == nil {
		return nil, nil
	}
	secrets := s.Secrets
	if !s.Secret.Empty() {
		secrets = append([]secret.Value{s.Secret}, secrets...)
	}
	if len(secrets) == 0 {
		return nil, errors.New("secret or secrets is required, and must not be empty")
	}
	keys := make([][]byte, len(secrets))
	for i, value := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value.Reveal(), "whsec_"))
		if err != nil || len(key) == 0 {
			return nil, errors.New("a secret must be base64 and not empty, with or without whsec_ before it")
		}
		keys[i] = key
	}
	return keys, nil
}

// signature is the value of webhook-signature: a signature by each key, separated by spaces (Standard Webhooks 1.0.0,
// "Signature scheme").
func signature(keys [][]byte, id, timestamp string, body []byte) string {
	var value strings.Builder
	for i, key := range keys {
		if i > 0 {
			value.WriteByte(' ')
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + timestamp + "."))
		mac.Write(body)
		value.WriteString("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return value.String()
}

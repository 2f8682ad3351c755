package hmac

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"

	"github.com/grapnel-dev/grapnel/internal/verify"
)

// Sign makes a request authentic, by the first key.
func (c *Config) Sign(r *verify.Request) error {
	if err := c.Validate(); err != nil {
		return err
	}
	newHash, err := c.Algorithm.hash()
	if err != nil {
		return err
	}
	mac := hmac.New(newHash, []byte(c.keys()[0].Reveal()))
	mac.Write(r.Body)
	r.Header.Set(c.Header, c.Prefix+c.Encoding.encode(mac.Sum(nil)))
	return nil
}

func (e Encoding) encode(signature []byte) string {
	if e == Base64 {
		return base64.StdEncoding.EncodeToString(signature)
	}
	return hex.EncodeToString(signature)
}

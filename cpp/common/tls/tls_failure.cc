#include "common/tls/tls_failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>

namespace rayx {
namespace {

std::string TextOf(int reason, unsigned long error) {
  const char* text = ERR_reason_error_string(error);
  return text != nullptr ? text : "error " + std::to_string(reason);
}

TlsFailure Failure(std::string words) { return {Status::ProtocolError(std::move(words)), false}; }

}  // namespace

TlsFailure TakeTlsFailure(bool dials) {
  // The first is the cause, later ones tell where it has led.
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  const std::string text = TextOf(reason, error);
  ERR_clear_error();
  switch (reason) {
    case SSL_R_BINDER_DOES_NOT_VERIFY:
      return {Status::ProtocolError("the peer has another key"), true};
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return {Status::Disconnected("the connection ended without a goodbye: the peer has died, or "
                                   "something between the machines has cut it"),
              false};
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
      return Failure("bytes were changed on their way from the peer");
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return Failure("the peer speaks HTTP");
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
      return Failure("the peer does not speak TLS 1.3");
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return Failure("the peer speaks an older version of TLS than 1.3");
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CERTIFICATE_SET:
      return Failure("the peer offers no key that is known here");
    default:
      break;
  }
  if (dials && reason > SSL_AD_REASON_OFFSET) {
    return Failure("the other machine refused the connection (" + text +
                   "): it has another key, or is not the one that was meant");
  }
  return Failure("the handshake failed: " + text);
}

}  // namespace rayx

"""Who can't prove to be the sender is refused, before anything is read, and learns nothing from it."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.webhooks.sender import SENDERS, Request, SignatureError
from gateway.delivery.webhooks.signature import REPLAY_WINDOW, verify_hub, verify_shared, verify_standard
from tests.delivery.webhooks.samples import DATA, NOW

SECRET = "correct horse battery staple"
SIGNING_TOKEN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"zen": "anything"}'


def make_request(headers: Mapping[str, str], body: bytes = BODY, *, at: float = NOW) -> Request:
    return Request(headers=headers, body=body, received_at=at)


def sign_hub(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def sign_standard(body: bytes, *, at: int = int(NOW), message: str = "msg_1") -> dict[str, str]:
    key = base64.b64decode(SIGNING_TOKEN.removeprefix("whsec_"))
    signature = hmac.new(key, f"{message}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


# The senders' own test vectors.


def test_the_vector_of_githubs_documentation_verifies() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    request = make_request({"x-hub-signature-256": signature}, b"Hello, World!")
    verify_hub(request, ["It's a Secret to Everybody"])


def test_the_vector_of_standard_webhooks_verifies() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    verify_standard(make_request(headers, b'{"test": 2432232314}', at=1_614_265_330), [SIGNING_TOKEN])


def test_a_recorded_notification_of_argo_cd_verifies() -> None:
    SENDERS["argocd"].verify(make_request({"authorization": "Bearer example-token"}), ["example-token"])


def test_a_signed_push_verifies_over_its_very_bytes() -> None:
    body = (DATA / "github" / "push.signed.json").read_bytes()
    SENDERS["github"].verify(make_request(sign_hub(body), body), [SECRET])
    with pytest.raises(SignatureError, match="another secret or another body"):
        SENDERS["github"].verify(make_request(sign_hub(body), body.rstrip()), [SECRET])


# What is forged, missing, foreign or old.


@pytest.mark.parametrize("sender", SENDERS)
def test_without_a_secret_nobody_is_believed(sender: str) -> None:
    headers = {**sign_hub(BODY, ""), "authorization": "Bearer ", "x-gitlab-token": ""}
    for secrets in ([], [""]):
        with pytest.raises(SignatureError):
            SENDERS[sender].verify(make_request(headers), secrets)


@pytest.mark.parametrize("sender", SENDERS)
def test_without_a_proof_nobody_is_believed(sender: str) -> None:
    with pytest.raises(SignatureError, match="missing"):
        SENDERS[sender].verify(make_request({}), [SECRET])


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize(
    "headers",
    [
        {"x-hub-signature-256": "sha256=" + "0" * 64},
        {"x-hub-signature-256": "sha256=é"},
        {"x-hub-signature-256": ""},
        {"x-hub-signature": "sha1=0"},
        {"x-gitlab-token": SECRET + "x"},
        {"x-gitlab-token": "\udcff"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic"},
        {"x-webhook-secret": SECRET.upper()},
        {"webhook-signature": "v1,x"},
        {"webhook-signature": "v1,x", "webhook-id": "1", "webhook-timestamp": "NaN"},
        {"webhook-signature": "", "webhook-id": "1", "webhook-timestamp": "1"},
    ],
)
def test_a_forged_proof_is_refused_and_tells_no_secret(sender: str, headers: dict[str, str]) -> None:
    secrets = [SECRET, SIGNING_TOKEN]
    with pytest.raises(SignatureError) as refused:
        SENDERS[sender].verify(make_request(headers), secrets)
    for told in (*secrets, *(value for value in headers.values() if len(value) > 5)):
        assert told not in str(refused.value)


def test_githubs_older_signature_is_not_enough() -> None:
    old = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
    with pytest.raises(SignatureError, match="X-Hub-Signature-256 is missing"):
        SENDERS["github"].verify(make_request({"x-hub-signature": old}), [SECRET])


def test_a_request_that_was_recorded_can_not_be_sent_again_later() -> None:
    headers = sign_standard(BODY, at=int(NOW))
    for off in (0, REPLAY_WINDOW, -REPLAY_WINDOW):
        verify_standard(make_request(headers, at=NOW + off), [SIGNING_TOKEN])
    for off in (REPLAY_WINDOW + 1, -REPLAY_WINDOW - 1):
        with pytest.raises(SignatureError, match="5 minutes"):
            verify_standard(make_request(headers, at=NOW + off), [SIGNING_TOKEN])


def test_the_signed_time_and_id_can_not_be_exchanged() -> None:
    signed = sign_standard(BODY)
    for name, value in (("webhook-timestamp", str(int(NOW) + 1)), ("webhook-id", "msg_2")):
        with pytest.raises(SignatureError):
            verify_standard(make_request({**signed, name: value}), [SIGNING_TOKEN])


def test_a_wrong_signature_is_not_saved_by_a_right_token() -> None:
    headers = {"webhook-signature": "v1,x", "webhook-id": "1", "webhook-timestamp": str(int(NOW))}
    with pytest.raises(SignatureError):
        SENDERS["gitlab"].verify(make_request({**headers, "x-gitlab-token": SECRET}), [SECRET, SIGNING_TOKEN])
    with pytest.raises(SignatureError):
        verify_shared(make_request({"authorization": f"Bearer {SECRET}", **sign_hub(BODY, "other")}), [SECRET])


def test_a_signing_token_is_no_plain_token() -> None:
    with pytest.raises(SignatureError, match="webhook-signature is missing"):
        SENDERS["gitlab"].verify(make_request({"x-gitlab-token": SIGNING_TOKEN}), [SIGNING_TOKEN])


def test_a_signature_that_nothing_is_set_for_says_what_to_set() -> None:
    with pytest.raises(SignatureError, match="no secret of the form whsec_"):
        SENDERS["gitlab"].verify(make_request(sign_standard(BODY)), [SECRET])


# What is right, in every form that a sender is able to send.


@pytest.mark.parametrize("secrets", [[SECRET], ["the-old-one", SECRET], [SECRET, "the-next-one", ""]])
def test_a_secret_is_good_beside_others_while_it_is_replaced(secrets: list[str]) -> None:
    SENDERS["github"].verify(make_request(sign_hub(BODY)), secrets)
    SENDERS["gitlab"].verify(make_request({"x-gitlab-token": SECRET}), secrets)
    SENDERS["registry"].verify(make_request({"authorization": SECRET}), secrets)


def test_gitlab_signs_or_sends_its_token() -> None:
    secrets = ["whsec_" + base64.b64encode(b"another").decode(), SIGNING_TOKEN, SECRET]
    headers = sign_standard(BODY)
    headers["webhook-signature"] = f"v1a,x v1,AAAA {headers['webhook-signature']}"
    SENDERS["gitlab"].verify(make_request(headers), secrets)
    SENDERS["gitlab"].verify(make_request({"x-gitlab-token": SECRET}), secrets)
    # Signed, but no signing token is set here yet: the token proves it.
    SENDERS["gitlab"].verify(make_request({**headers, "x-gitlab-token": SECRET}), [SECRET])


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {SECRET}"},
        {"authorization": f"bearer  {SECRET} "},
        {"authorization": SECRET},
        {"authorization": "Basic " + base64.b64encode(f"gateway:{SECRET}".encode()).decode()},
        {"x-webhook-secret": SECRET},
        sign_hub(BODY),
        sign_standard(BODY),
    ],
)
@pytest.mark.parametrize("sender", ["argocd", "argo-workflows", "cdevents", "registry", "trivy"])
def test_senders_without_a_scheme_prove_themselves_as_they_can(sender: str, headers: dict[str, str]) -> None:
    SENDERS[sender].verify(make_request(headers), [SECRET, SIGNING_TOKEN])


@given(
    sender=st.sampled_from(sorted(SENDERS)),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "authorization",
                "x-hub-signature-256",
                "x-gitlab-token",
                "x-webhook-secret",
                "webhook-id",
                "webhook-timestamp",
                "webhook-signature",
            ]
        ),
        st.text(st.characters(codec="utf-8"), max_size=80) | st.integers().map(str),
    ),
)
def test_no_header_does_anything_but_be_refused(sender: str, headers: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        SENDERS[sender].verify(make_request(headers), [SECRET, SIGNING_TOKEN])

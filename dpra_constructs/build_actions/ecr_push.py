"""Builds, scans and pushes a container image once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import BuildAction, Report
from dpra_constructs.build_actions.build_options import output_name
from dpra_constructs.build_actions.docker import COMMIT, ImageBuild, repository_name
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.trivy import Trivy
from dpra_constructs.build_actions.typed_action import needed, option
from dpra_constructs.requirements import Requirement

_RESULTS = "reports/image.xml"
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
_PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeRepositories",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
_PROFILE = arguments.optional(
    arguments.matching(
        r"\w{2,64}",
        "the name of a signing profile: 2 to 64 letters, digits and _",
        "dpra_images_1",
    )
)
_LOOKS = 60
_SECONDS_BETWEEN_LOOKS = 5


def _trivy(where: str, argument: str, value: object) -> object:
    arguments.instance(where, argument, value, Trivy, 'Trivy(fail_on="high")')
    return value


@dataclass(frozen=True, kw_only=True, slots=True)
class EcrPush(ImageBuild):
    """A container image, built, scanned by Trivy and pushed to Amazon ECR (DPRA-BUILD-PACKAGE).

    Its tag is the commit. If the repository has that tag already, as after a retry, the image is
    not built again: the same is scanned and taken. What was pushed stands in the output as
    `image.json` with repository, digest and uri: `pushed_image()` reads it when the application is
    synthesized, so that every environment gets these very bytes. Checked against the
    documentation of the tools, not run. Source:
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/docker-push-ecr-image.html

    Args:
        repository: the repository in the pipeline's account and region; its tags should be
            immutable.
        signing_profile: the name of the profile of AWS Signer, in the same account and region,
            with which Amazon ECR signs what is pushed: `ImageSigningProfile.profile_name`. The
            action waits up to 5 minutes for the signature, and fails without it; without a profile
            it waits for none.
        scan: how Trivy scans the image: `fail_on`, `licences`, `ignore_file` and so on.
        output: the name of the output, and its folder.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> EcrPush(repository="acme/fruit").to_build_action().permissions[0].resources
    ('arn:{partition}:ecr:{region}:{account}:repository/acme/fruit',)
    """

    DEFAULT_NAME: ClassVar[str] = "Publish"

    repository: str = needed(repository_name)
    signing_profile: str | None = option(None, _PROFILE)
    scan: Trivy = option(Trivy(), _trivy)
    output: str = option("image", output_name)

    def to_build_action(self) -> BuildAction:
        """Return the build action."""
        repository = self.repository
        digest = (
            f"aws ecr batch-get-image --repository-name {repository} "
            '--image-ids imageTag="$commit" --query "images[0].imageId.imageDigest" --output text'
        )
        scan = self.scan.scan("image", '"$uri:$commit"', _RESULTS)
        line = '{"repository": "%s", "digest": "%s", "uri": "%s@%s"}\\n'
        script = [
            "( set -eu",
            f"commit={COMMIT}",
            f'uri="$(aws ecr describe-repositories --repository-names {repository} '
            '--query "repositories[0].repositoryUri" --output text)"',
            'registry="${uri%%/*}"',
            'aws ecr get-login-password | docker login --username AWS --password-stdin "$registry"',
            """trap 'docker logout "$registry"' EXIT""",
            f'digest="$({digest})"',
            # The AWS CLI writes None for what a query does not find.
            'if [ "$digest" = None ]; then',
            f"  {self.docker_build(chr(34) + '$uri:$commit' + chr(34))}",
            "else",
            '  docker pull --quiet "$uri@$digest"',
            '  docker tag "$uri@$digest" "$uri:$commit"',
            "fi",
            f"mkdir -p {self.output}",
            scan,
            'if [ "$digest" = None ]; then',
            '  docker push --quiet "$uri:$commit"',
            f'  digest="$({digest})"',
            "fi",
            """case "$digest" in sha256:*) ;; *) echo "no digest: $digest" >&2; exit 1 ;; esac""",
            *self._awaited_signature(),
            f'printf \'{line}\' {repository} "$digest" "$uri" "$digest" >{self.output}/image.json',
            ")",
        ]
        return self.action(
            project=self.privileged_project,
            install=[self.scan.tool],
            commands=["\n".join(script)],
            reports=[Report("image", [_RESULTS])],
            outputs={self.output: self.output},
            permissions=[
                Permission(
                    actions=_PUSH,
                    resources=[self._repository_arn],
                ),
                *self._signing(),
                Permission(
                    actions=["ecr:GetAuthorizationToken"],
                    resources=["*"],
                    reason="ecr:GetAuthorizationToken knows no resources",
                ),
            ],
            meets=[Requirement.BUILD_PACKAGE],
            publishes=True,
            pushes={repository: self.signing_profile},
        )

    @property
    def _repository_arn(self) -> str:
        return f"arn:{{partition}}:ecr:{{region}}:{{account}}:repository/{self.repository}"

    def _signing(self) -> list[Permission]:
        if self.signing_profile is None:
            return []
        # Amazon ECR signs as who pushes:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/managed-signing.html
        profile = f"{{account}}:/signing-profiles/{self.signing_profile}"
        return [
            Permission(
                actions=["signer:SignPayload"],
                resources=[f"arn:{{partition}}:signer:{{region}}:{profile}"],
            ),
            Permission(
                actions=["ecr:DescribeImageSigningStatus"], resources=[self._repository_arn]
            ),
        ]

    def _awaited_signature(self) -> list[str]:
        profile = self.signing_profile
        if profile is None:
            return []
        status = (
            f"aws ecr describe-image-signing-status --repository-name {self.repository} "
            '--image-id imageDigest="$digest" --query "signingStatuses[?ends_with('
            f"signingProfileArn, '/{profile}')].[status, failureReason] | [0]\" --output text"
        )
        return [
            f"for look in $(seq {_LOOKS}); do",
            f'  signed="$({status})"',
            '  case "$signed" in COMPLETE* | FAILED*) break ;; esac',
            f"  sleep {_SECONDS_BETWEEN_LOOKS}",
            "done",
            'case "$signed" in COMPLETE*) ;; *)',
            f'  echo "$uri@$digest is not signed with {profile}, but: $signed" >&2',
            '  echo "A signature comes with a push, and a commit is pushed once: mend what is said,'
            ' or let ImageSigningProfile name the repository, and push another commit" >&2',
            "  exit 1 ;;",
            "esac",
        ]

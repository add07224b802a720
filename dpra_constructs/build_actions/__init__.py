"""What runs in the build stage: any tool as a `BuildAction`, and typed actions for common ones."""

from dpra_constructs.build_actions.artifactory_publish import ArtifactoryPublish
from dpra_constructs.build_actions.bandit import Bandit
from dpra_constructs.build_actions.black import Black
from dpra_constructs.build_actions.black_duck import BlackDuck
from dpra_constructs.build_actions.build_action import BuildAction, Report, ToBuildAction
from dpra_constructs.build_actions.cdk_synth import CdkSynth
from dpra_constructs.build_actions.checkmarx_one import CheckmarxOne
from dpra_constructs.build_actions.checkstyle import Checkstyle
from dpra_constructs.build_actions.code_artifact_publish import CodeArtifactPublish
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.cyclonedx_npm import CycloneDxNpm
from dpra_constructs.build_actions.cyclonedx_python import CycloneDxPython
from dpra_constructs.build_actions.detect_secrets import DetectSecrets
from dpra_constructs.build_actions.docker import Docker
from dpra_constructs.build_actions.dotnet import Dotnet
from dpra_constructs.build_actions.ecr_push import EcrPush
from dpra_constructs.build_actions.eslint import ESLint
from dpra_constructs.build_actions.git_guardian import GitGuardian
from dpra_constructs.build_actions.gitleaks import Gitleaks
from dpra_constructs.build_actions.go import Go
from dpra_constructs.build_actions.go_test import GoTest
from dpra_constructs.build_actions.gradle import Gradle
from dpra_constructs.build_actions.inspector_code_security import InspectorCodeSecurity
from dpra_constructs.build_actions.jest import Jest
from dpra_constructs.build_actions.junit import JUnit
from dpra_constructs.build_actions.maven import Maven
from dpra_constructs.build_actions.nexus_publish import NexusPublish
from dpra_constructs.build_actions.npm import Npm
from dpra_constructs.build_actions.npm_audit import NpmAudit
from dpra_constructs.build_actions.owasp_dependency_check import OwaspDependencyCheck
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.pip_audit import PipAudit
from dpra_constructs.build_actions.pipeline_action import PipelineAction
from dpra_constructs.build_actions.pushed_image import PushedImage, pushed_image
from dpra_constructs.build_actions.pytest import Pytest
from dpra_constructs.build_actions.python_build import PythonBuild
from dpra_constructs.build_actions.ruff import Ruff
from dpra_constructs.build_actions.secret_reference import SecretsManagerSecret, SecureParameter
from dpra_constructs.build_actions.semgrep import Semgrep
from dpra_constructs.build_actions.snyk import Snyk
from dpra_constructs.build_actions.sonarqube import SonarQube
from dpra_constructs.build_actions.syft import Syft
from dpra_constructs.build_actions.trivy import Trivy
from dpra_constructs.build_actions.trivy_sbom import TrivySbom
from dpra_constructs.build_actions.typed_action import TypedAction

__all__ = [
    "ArtifactoryPublish",
    "Bandit",
    "Black",
    "BlackDuck",
    "BuildAction",
    "CdkSynth",
    "CheckmarxOne",
    "Checkstyle",
    "CodeArtifactPublish",
    "CodeBuildProject",
    "CycloneDxNpm",
    "CycloneDxPython",
    "DetectSecrets",
    "Docker",
    "Dotnet",
    "ESLint",
    "EcrPush",
    "GitGuardian",
    "Gitleaks",
    "Go",
    "GoTest",
    "Gradle",
    "InspectorCodeSecurity",
    "JUnit",
    "Jest",
    "Maven",
    "NexusPublish",
    "Npm",
    "NpmAudit",
    "OwaspDependencyCheck",
    "Permission",
    "PipAudit",
    "PipelineAction",
    "PushedImage",
    "Pytest",
    "PythonBuild",
    "Report",
    "Ruff",
    "SecretsManagerSecret",
    "SecureParameter",
    "Semgrep",
    "Snyk",
    "SonarQube",
    "Syft",
    "ToBuildAction",
    "Trivy",
    "TrivySbom",
    "TypedAction",
    "pushed_image",
]

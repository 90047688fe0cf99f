"""Today, offers, channels, reports, the team's pages, and a lead's way through the rotation."""

from django.urls import path

from routing.views import channels, hosted, inbound, lead, offers, reports, rules, team, today, trying

urlpatterns = [
    path("", today.today, name="today"),
    path("offers/", offers.offers, name="offers"),
    path("offers/seen/", offers.seen, name="offers-seen"),
    path("offers/<str:public_id>/claim/", offers.claim_offer, name="offer-claim"),
    path("offers/<str:public_id>/pass/", offers.pass_offer, name="offer-pass"),
    path("routing/lead/<str:public_id>/", lead.lead_routing, name="lead-routing"),
    path("in/<str:public_id>/", inbound.receive, name="inbound"),
    path("f/<str:public_id>/", hosted.form, name="hosted-form"),
    path("channels/", channels.channels, name="channels"),
    path("channels/new/", channels.connect, name="channel-add"),
    path("channels/<str:public_id>/", channels.channel, name="channel"),
    path("channels/<str:public_id>/fields/", channels.fields, name="channel-fields"),
    path("channels/<str:public_id>/act/", channels.act, name="channel-act"),
    path("inbox/", channels.inbox, name="inbox"),
    path("reports/", reports.report, name="reports"),
    path("reports/<str:name>/", reports.report, name="report"),
    path("reports/<str:name>/file/", reports.file, name="report-file"),
    path("routing/", rules.routing, name="routing"),
    path("routing/<int:unit_id>/", rules.unit, name="routing-unit"),
    path("routing/<int:unit_id>/policy/", rules.policy, name="routing-policy"),
    path("routing/<int:unit_id>/act/", rules.act, name="routing-act"),
    path("routing/<int:unit_id>/cold/", rules.cold, name="routing-cold"),
    path("routing/<int:unit_id>/rehearsal/", trying.rehearse, name="rehearsal"),
    path("routing/<int:unit_id>/shadow/", trying.shadow, name="shadow"),
    path("routing/<int:unit_id>/rules/new/", rules.rule, name="rule-add"),
    path("routing/<int:unit_id>/rules/<int:rule_id>/", rules.rule, name="rule"),
    path("team/", team.team, name="team"),
    path("team/<int:unit_id>/", team.unit, name="team-unit"),
    path("team/<int:unit_id>/roster/", team.add, name="roster-add"),
    path("team/<int:unit_id>/roster/<int:user_id>/", team.place, name="roster-place"),
    path("team/<int:unit_id>/roster/<int:user_id>/pause/", team.pause, name="roster-pause"),
    path("team/<int:unit_id>/roster/<int:user_id>/move/", team.move, name="roster-move"),
    path("team/<int:unit_id>/roster/<int:user_id>/remove/", team.remove, name="roster-remove"),
]

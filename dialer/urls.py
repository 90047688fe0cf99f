"""Campaigns, lead filters, skills; calling a lead."""

from django.urls import path

from dialer.views import calling, campaigns, filters, phone, skills

urlpatterns = [
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/new/", campaigns.begin, name="campaign-begin"),
    path("campaigns/new/<int:unit_id>/", campaigns.add, name="campaign-add"),
    path("campaigns/<int:campaign_id>/", campaigns.campaign, name="campaign"),
    path("filters/", filters.lead_filters, name="lead-filters"),
    path("filters/new/", filters.lead_filter, name="lead-filter-add"),
    path("filters/<int:filter_id>/", filters.lead_filter, name="lead-filter"),
    path("filters/<int:filter_id>/delete/", filters.delete, name="lead-filter-delete"),
    path("skills/", skills.skills, name="skills"),
    path("skills/<int:user_id>/", skills.give, name="skill-give"),
    path("lead/<str:public_id>/", calling.calling, name="lead-calling"),
    path("lead/<str:public_id>/call/", calling.call, name="lead-call"),
    path("lead/<str:public_id>/call/<int:attempt_id>/", calling.logged, name="lead-call-logged"),
    path("lead/<str:public_id>/text/", calling.text, name="lead-text"),
    path("lead/<str:public_id>/callback/", calling.callback, name="lead-callback"),
    path("phone/<str:account_id>/voice/", phone.voice, name="phone-voice"),
    path("phone/<str:account_id>/text/", phone.text, name="phone-text"),
    path("phone/<str:account_id>/taken/<int:call_id>/<int:user_id>/", phone.taken, name="phone-taken"),
    path("phone/<str:account_id>/rung/<int:call_id>/", phone.rung, name="phone-rung"),
    path("phone/<str:account_id>/message/<int:call_id>/", phone.message, name="phone-message"),
    path("phone/<str:account_id>/bridge/<int:attempt_id>/", phone.bridge, name="phone-bridge"),
    path("phone/<str:account_id>/bridged/<int:attempt_id>/", phone.bridged, name="phone-bridged"),
    path("phone/<str:account_id>/status/<int:attempt_id>/", phone.status, name="phone-status"),
    path("phone/<str:account_id>/text-status/<int:attempt_id>/", phone.text_status, name="phone-text-status"),
    path("lead/<str:public_id>/consent/", calling.consent, name="lead-consent"),
    path("lead/<str:public_id>/do-not-call/", calling.do_not_call, name="lead-do-not-call"),
]
